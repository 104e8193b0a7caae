//! The types of tokens that a service accepts.

use serde_json::json;
use tonic_guard::jwt::{Claims, JwtVerifier, KeySet};
use tonic_guard_test::Issuer;
use tonic_guard_verifier_tests::Serving;

use crate::support::{AUDIENCE, Fixture, INVALID, ISSUER, MALFORMED};

#[tokio::test]
async fn access_token_requires_its_typ() {
    let fixture = Fixture::new().await;
    for typ in ["at+jwt", "AT+JWT", "application/at+jwt", "APPLICATION/At+Jwt"] {
        fixture.admits(&fixture.token().header("typ", typ).sign()).await;
    }
    let tokens = [
        "JWT",
        "jwt",
        "",
        "id_token+jwt",
        "logout+jwt",
        "dpop+jwt",
        "secevent+jwt",
        "at+jwtx",
        "xat+jwt",
        "at jwt",
        "at",
        "text/at+jwt",
        // As long as the optional prefix.
        "other-media/at+jwt",
        "application/application/at+jwt",
        "application/",
        "applicatioñ/at+jwt",
    ]
    .map(|typ| (typ, fixture.token().header("typ", typ).sign()));
    fixture.rejects(INVALID, tokens).await;
    let mut header = fixture.header();
    header.as_object_mut().unwrap().remove("typ");
    let token = fixture.sign(&header.to_string(), &fixture.token().payload());
    fixture.rejects(INVALID, [("absent", token)]).await;
    let tokens = [json!(null), json!(["at+jwt"]), json!(1)]
        .map(|typ| (typ.to_string(), fixture.token().header("typ", typ).sign()));
    fixture.rejects(MALFORMED, tokens).await;
}

/// The tokens that an OpenID provider issues to its client for the same user, signed by the same
/// key.
#[tokio::test]
async fn id_token_is_rejected_as_an_access_token() {
    let fixture = Fixture::new().await;
    let id_token = fixture.issuer.plain_jwt(AUDIENCE).claim("nonce", "n-0S6_WzA2Mj");
    let logout = fixture
        .issuer
        .plain_jwt(AUDIENCE)
        .header("typ", "logout+jwt")
        .claim("events", json!({"http://schemas.openid.net/event/backchannel-logout": {}}));
    let tokens = [
        ("ID token", id_token.sign()),
        ("ID token without a nonce", fixture.issuer.plain_jwt(AUDIENCE).sign()),
        ("logout token", logout.sign()),
    ];
    fixture.rejects(INVALID, tokens).await;
}

#[tokio::test]
async fn any_jwt_accepts_tokens_that_name_no_other_type() {
    let issuer = Issuer::new(ISSUER);
    let keys = KeySet::from_jwks(issuer.jwks()).unwrap();
    let verifier: JwtVerifier<Claims> = JwtVerifier::any_jwt(ISSUER, AUDIENCE).build(keys);
    let serving = Serving::bearers(verifier).await;
    let token = || issuer.plain_jwt(AUDIENCE);
    for typ in ["JWT", "jwt", "application/jwt", "at+jwt", "application/at+JWT"] {
        let token = token().header("typ", typ).sign();
        assert_eq!(serving.bearer(&token).await, Ok("ada".into()), "{typ}");
    }
    let key = issuer.signing_key();
    let header = json!({"alg": "ES256", "kid": key.id()}).to_string();
    let untyped = key.sign(&header, &token().payload());
    assert_eq!(serving.bearer(&untyped).await, Ok("ada".into()));
    for (name, value) in [("token_use", "access"), ("typ", "Bearer"), ("azp", "app"), ("sid", "1")]
    {
        let token = token().claim(name, value).sign();
        assert_eq!(serving.bearer(&token).await, Ok("ada".into()), "{name}");
    }

    for typ in ["logout+jwt", "dpop+jwt", "secevent+jwt", "", "id", "application/logout+jwt"] {
        let token = token().header("typ", typ).sign();
        assert_eq!(serving.bearer(&token).await, Err(INVALID.into()), "{typ}");
    }
    for (name, value) in [
        ("nonce", json!("n-0S6_WzA2Mj")),
        ("nonce", json!(null)),
        ("at_hash", json!("77QmUPtjPfzWtF2AnpK9RQ")),
        ("c_hash", json!("LDktKdoQak3Pk0cnXxCltA")),
        ("s_hash", json!("x")),
        ("events", json!({"http://schemas.openid.net/event/backchannel-logout": {}})),
        ("token_use", json!("id")),
        ("token_use", json!("refresh_token")),
        ("typ", json!("ID")),
        ("typ", json!("Refresh")),
        ("typ", json!("Offline")),
        ("typ", json!("Logout")),
        ("cnf", json!({"jkt": "x"})),
    ] {
        let token = token().claim(name, &value).sign();
        assert_eq!(serving.bearer(&token).await, Err(INVALID.into()), "{name} {value}");
    }
    // The checks of access tokens apply here, too.
    for token in [
        token().without("exp"),
        token().without("aud"),
        token().without("iss"),
        token().claim("aud", "https://other.example"),
        token().claim("iss", "https://other.example"),
    ] {
        assert_eq!(serving.bearer(&token.sign()).await, Err(INVALID.into()));
    }
}
