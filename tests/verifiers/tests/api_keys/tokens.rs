//! One static token.

use tonic_guard::api_keys::StaticToken;
use tonic_guard_verifier_tests::Serving;

use crate::{Partner, call, rejected, serve};

const TOKEN: &str = "5c1f0a7e9b3d48266e1db7f3a02c94d8";

#[tokio::test]
async fn only_the_token_is_admitted_in_either_header() {
    let token = || StaticToken::new(TOKEN, Partner::new("deployer")).unwrap();
    let (keyed, bearer) = (serve(token()).await, Serving::bearers(token()).await);
    assert_eq!(call(&keyed, TOKEN).await.unwrap(), "deployer");
    assert_eq!(bearer.bearer(TOKEN).await.unwrap(), "deployer");
    for bad in [
        &TOKEN[1..],
        &TOKEN[..31],
        &format!("{TOKEN}0"),
        &TOKEN.replace("5c", "5d"),
        &TOKEN.to_ascii_uppercase(),
        "x",
    ] {
        assert_eq!(call(&keyed, bad).await, rejected("API_KEY_INVALID"), "{bad}");
        assert_eq!(bearer.bearer(bad).await, rejected("CREDENTIALS_INVALID"), "{bad}");
    }
    assert!(!format!("{:?}", token()).contains(&TOKEN[..8]));
}
