//! Neither tokens nor this service's secret appear in errors or `Debug` output.

use std::error::Error;

use tonic_guard::{
    AuthError, Authenticate, CallHead, Scheme,
    scheme::{Bearer, BearerToken},
};

use super::*;

const TOKEN: &str = "tok-3n";

fn token() -> BearerToken {
    let mut headers = http::HeaderMap::new();
    headers.insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
    let extensions = http::Extensions::new();
    let found = Bearer::new().extract(&CallHead::new(&headers, &extensions));
    found.unwrap().credentials().unwrap()
}

/// Every text that can be printed of an error.
fn printed(error: &AuthError) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut source = error.source();
    while let Some(cause) = source {
        text += &format!("\n{cause} {cause:?}");
        source = cause.source();
    }
    text
}

#[tokio::test]
async fn errors_and_debug_hold_no_secrets() {
    let mut provider = Provider::start().await;
    let clients = [
        ClientAuthentication::basic("accounts", "s3cret"),
        ClientAuthentication::post("accounts", "s3cret"),
        ClientAuthentication::bearer("s3cret"),
        ClientAuthentication::bearer("s3cret\n"),
    ];
    let echo = |token: &str| format!("{{\"active\": true, \"token\": {token:?}");
    for client in clients {
        let (issuer, audience) = (IssuerMatcher::is(ISSUER), AudienceMatcher::includes(AUDIENCE));
        let endpoint = format!("{}?key=s3cret", provider.url(ENDPOINT));
        let builder =
            IntrospectionVerifier::<Claims>::builder(endpoint, client.clone(), issuer, audience)
                .http_client(http())
                .negative_cache_ttl(Duration::ZERO);
        let mut text = format!("{client:?} {builder:?} ");
        let verifier = builder.build().unwrap();
        text += &format!("{verifier:?}");
        for reply in [
            Reply::status(500),
            Reply::status(401),
            Reply::Reset,
            Reply::Json(r#"{"active": false}"#.into()),
            Reply::Json(echo(TOKEN)),
            Reply::Json(format!("{TOKEN:?}")),
            Reply::Json(format!("{{\"active\": {TOKEN:?}}}")),
            Reply::Json(ada(json!({"iss": TOKEN}))),
            Reply::Json(ada(json!({"exp": TOKEN}))),
        ] {
            provider.reply(ENDPOINT, reply);
            let error = verifier.authenticate(token()).await.unwrap_err();
            text += &printed(&error);
        }
        provider.stop().await;
        text += &printed(&verifier.authenticate(token()).await.unwrap_err());
        provider.restart().await;
        assert!(text.contains(ENDPOINT), "the endpoint is reported: {text}");
        for secret in ["s3cret", TOKEN, "YWNjb3VudHM6czNjcmV0"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
    }
}

#[tokio::test]
async fn cause_of_a_failure_is_reported() {
    let provider = Provider::start().await;
    let verifier = builder::<Claims>(&provider).negative_cache_ttl(Duration::ZERO).build().unwrap();
    let url = provider.url(ENDPOINT);
    for (reply, message) in [
        (Reply::status(500), format!("{url} responded with 500 Internal Server Error")),
        (
            Reply::status(401),
            format!(
                "the response of {url} can't be used: 401 Unauthorized to this service's own credentials"
            ),
        ),
        (Reply::Endless, format!("the response of {url} exceeds 512 KiB")),
        (
            Reply::Json("[]".into()),
            format!("the response of {url} can't be used: it isn't a JSON object"),
        ),
        (
            Reply::Json("{}".into()),
            format!("the response of {url} can't be used: its `active` isn't a boolean"),
        ),
        (
            Reply::Json(ada(json!({"aud": "https://shop.example"}))),
            "the `aud` doesn't include this service".into(),
        ),
        (
            Reply::Json(ada(json!({"cnf": {}}))),
            "the token is bound to a key (`cnf`), which can't be checked here".into(),
        ),
        (Reply::Json(ada(json!({"sub": null}))), "missing field `sub`".into()),
    ] {
        provider.reply(ENDPOINT, reply);
        let error = verifier.authenticate(token()).await.unwrap_err();
        let cause = error.source().unwrap().to_string();
        assert!(cause.starts_with(&message), "{cause:?} isn't {message:?}");
    }
}
