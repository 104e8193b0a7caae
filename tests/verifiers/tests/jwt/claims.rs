//! Required claims, their types and their values.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tonic_guard::{
    HasScopes,
    jwt::{Claims, JwtVerifier, KeySet},
};
use tonic_guard_test::Issuer;
use tonic_guard_verifier_tests::{Named, Serving};

use crate::support::{AUDIENCE, EXPIRED, Fixture, INVALID, ISSUER, MALFORMED, now};

#[tokio::test]
async fn issuer_is_compared_exactly() {
    let fixture = Fixture::new().await;
    let tokens = [
        json!("https://id.example/"),
        json!("https://ID.example"),
        json!("http://id.example"),
        json!("https://id.example.evil.example"),
        json!("https://id.exampl"),
        json!(" https://id.example"),
        json!("https://id.example\u{0}"),
        json!(""),
        json!(null),
        json!([ISSUER]),
        json!({"iss": ISSUER}),
        json!(1),
    ]
    .map(|issuer| (issuer.to_string(), fixture.token().claim("iss", issuer).sign()));
    fixture.rejects(INVALID, tokens).await;
    fixture.rejects(INVALID, [("absent", fixture.token().without("iss").sign())]).await;
}

#[tokio::test]
async fn audience_is_a_string_or_in_a_list() {
    let fixture = Fixture::new().await;
    for audience in [json!(AUDIENCE), json!([AUDIENCE]), json!(["https://other.example", AUDIENCE])]
    {
        fixture.admits(&fixture.token().claim("aud", audience).sign()).await;
    }
    let tokens = [
        json!(""),
        json!([]),
        json!([""]),
        json!("https://accounts"),
        json!("https://accounts.example/"),
        json!("https://accounts.example.evil.example"),
        json!("https://ACCOUNTS.example"),
        json!(format!("{AUDIENCE} https://other.example")),
        json!(format!("https://other.example,{AUDIENCE}")),
        json!("*"),
        json!(["https://other.example"]),
        json!([[AUDIENCE]]),
        json!({AUDIENCE: true}),
        json!([AUDIENCE, 1]),
        json!(null),
        json!(1),
        json!(true),
    ]
    .map(|audience| (audience.to_string(), fixture.token().claim("aud", audience).sign()));
    fixture.rejects(INVALID, tokens).await;
    fixture.rejects(INVALID, [("absent", fixture.token().without("aud").sign())]).await;
}

/// An empty setting must not admit tokens with empty claims.
#[tokio::test]
async fn empty_issuer_or_audience_matches_nothing() {
    for (issuer, audience) in [("", AUDIENCE), (ISSUER, "")] {
        let made = Issuer::new(issuer);
        let keys = KeySet::from_jwks(made.jwks()).unwrap();
        let verifier: JwtVerifier<Claims> =
            JwtVerifier::access_tokens(issuer, audience).build(keys);
        let serving = Serving::bearers(verifier).await;
        let token = made.access_token(audience);
        for token in [token.clone(), token.clone().claim("aud", json!([""])), token.without("aud")]
        {
            assert_eq!(serving.bearer(&token.sign()).await, Err(INVALID.into()), "{issuer:?}");
        }
    }
}

/// `payload` with the raw text `raw` as the member `name`.
fn with_raw(payload: &str, name: &str, raw: &str) -> String {
    let mut claims: Value = serde_json::from_str(payload).unwrap();
    claims.as_object_mut().unwrap().remove(name);
    claims.to_string().replacen('{', &format!("{{\"{name}\":{raw},"), 1)
}

#[tokio::test]
async fn exp_is_a_required_number() {
    let fixture = Fixture::new().await;
    let payload = fixture.token().payload();
    let later = now() + 300;
    let sign =
        |raw: &str| fixture.sign(&fixture.header().to_string(), &with_raw(&payload, "exp", raw));
    for good in [
        format!("{later}.25"),
        format!("{later}.0"),
        format!("{later}e0"),
        "4102444800".into(),
        "1e300".into(),
        "18446744073709551615".into(),
    ] {
        fixture.admits(&sign(&good)).await;
    }
    fixture.rejects(INVALID, [("absent", fixture.token().without("exp").sign())]).await;
    let quoted = format!("\"{later}\"");
    let wrong = [&quoted, "null", "true", "[]", "{}", "\"\"", "[4102444800]", "{\"a\":4102444800}"];
    fixture.rejects(INVALID, wrong.map(|raw| (raw.to_owned(), sign(raw)))).await;
    let gone = ["-1", "0", "-4102444800", "-1e300", "1", "1.5"];
    fixture.rejects(EXPIRED, gone.map(|raw| (raw, sign(raw)))).await;
    let unreadable = ["1e400", "NaN", "Infinity", "4102444800L", "0x7fffffff", "+1"];
    fixture.rejects(MALFORMED, unreadable.map(|raw| (raw, sign(raw)))).await;
}

/// A claims type that reads no dates, no issuer and no audience.
#[derive(Clone, Deserialize)]
struct Subject {
    sub: String,
}

impl Named for Subject {
    fn name(&self) -> String {
        self.sub.clone()
    }
}

impl HasScopes for Subject {
    fn has_scope(&self, _: &str) -> bool {
        false
    }
}

/// The verifier checks these claims whatever the claims type reads.
#[tokio::test]
async fn custom_claims_type_weakens_no_check() {
    let issuer = Issuer::new(ISSUER);
    let keys = KeySet::from_jwks(issuer.jwks()).unwrap();
    let verifier: JwtVerifier<Subject> = JwtVerifier::access_tokens(ISSUER, AUDIENCE).build(keys);
    let serving = Serving::bearers(verifier).await;
    let token = || issuer.access_token(AUDIENCE);
    assert_eq!(serving.bearer(&token().sign()).await, Ok("ada".into()));
    let later = now() + 300;
    for (name, value) in [
        ("exp", json!(later.to_string())),
        ("exp", json!([later])),
        ("exp", json!(true)),
        ("exp", json!(null)),
        ("nbf", json!("0")),
        ("nbf", json!(null)),
        ("nbf", json!(later)),
        ("iat", json!("0")),
        ("iss", json!([ISSUER])),
        ("iss", json!("https://other.example")),
        ("aud", json!([AUDIENCE, 1])),
        ("aud", json!({AUDIENCE: 1})),
        ("cnf", json!({})),
        ("sub", json!(1)),
        ("sub", json!(null)),
    ] {
        let outcome = serving.bearer(&token().claim(name, &value).sign()).await;
        assert_eq!(outcome, Err(INVALID.into()), "{name} {value}");
    }
    for name in ["exp", "iss", "aud", "sub"] {
        let outcome = serving.bearer(&token().without(name).sign()).await;
        assert_eq!(outcome, Err(INVALID.into()), "without {name}");
    }
    let outcome = serving.bearer(&token().expired_for(Duration::from_secs(3600)).sign()).await;
    assert_eq!(outcome, Err(EXPIRED.into()));
    let twice = token().payload().replacen('{', "{\"own\":1,\"own\":2,", 1);
    let header = json!({"alg": "ES256", "kid": "key-1", "typ": "at+jwt"}).to_string();
    let outcome = serving.bearer(&issuer.signing_key().sign(&header, &twice)).await;
    assert_eq!(outcome, Err(INVALID.into()));
}

#[tokio::test]
async fn nbf_and_iat_are_numbers_if_present() {
    let fixture = Fixture::new().await;
    let payload = fixture.token().payload();
    for name in ["nbf", "iat"] {
        let sign =
            |raw: &str| fixture.sign(&fixture.header().to_string(), &with_raw(&payload, name, raw));
        for good in ["0", "-1", "-1e300", &format!("{}.75", now() - 10)] {
            fixture.admits(&sign(good)).await;
        }
        fixture.admits(&fixture.token().without(name).sign()).await;
        let wrong = ["\"0\"", "null", "false", "[]", "{}", "\"\"", "\"1e9\""];
        fixture.rejects(INVALID, wrong.map(|raw| (format!("{name} {raw}"), sign(raw)))).await;
    }
    let header = fixture.header().to_string();
    let early = ["4102444800", "1e300", "4102444800.5"]
        .map(|raw| (raw, fixture.sign(&header, &with_raw(&payload, "nbf", raw))));
    fixture.rejects(INVALID, early).await;
}

#[tokio::test]
async fn default_clock_skew_is_a_minute() {
    let fixture = Fixture::new().await;
    let token = |exp: i64, nbf: i64| {
        let at = |offset: i64| now().saturating_add_signed(offset);
        fixture.token().claim("exp", at(exp)).claim("nbf", at(nbf)).sign()
    };
    fixture.admits(&token(-50, -100)).await;
    fixture.admits(&token(300, 50)).await;
    fixture.rejects(EXPIRED, [("exp", token(-60, -100)), ("exp", token(-3600, -7200))]).await;
    fixture.rejects(INVALID, [("nbf", token(300, 70)), ("nbf", token(7200, 3600))]).await;
}

#[tokio::test]
async fn clock_skew_is_configurable() {
    let strict =
        Fixture::of(Issuer::new(ISSUER), |verifier| verifier.clock_skew(Duration::ZERO)).await;
    let ended = strict.token().expired_for(Duration::ZERO).sign();
    let early = strict.token().claim("nbf", now() + 5).sign();
    strict.rejects(EXPIRED, [("exp", ended)]).await;
    strict.rejects(INVALID, [("nbf", early)]).await;
    let lax =
        Fixture::of(Issuer::new(ISSUER), |verifier| verifier.clock_skew(Duration::from_secs(600)))
            .await;
    lax.admits(&lax.token().expired_for(Duration::from_secs(590)).sign()).await;
    let ended = lax.token().expired_for(Duration::from_secs(600)).sign();
    lax.rejects(EXPIRED, [("exp", ended)]).await;
    let endless =
        Fixture::of(Issuer::new(ISSUER), |verifier| verifier.clock_skew(Duration::MAX)).await;
    endless.admits(&endless.token().expired_for(Duration::from_secs(3600)).sign()).await;
}

/// "Expired" invites a caller to renew its token, which helps only if the token is otherwise good.
#[tokio::test]
async fn expired_token_with_another_fault_is_invalid() {
    let fixture = Fixture::new().await;
    let hour = Duration::from_secs(3600);
    let expired = || fixture.token().expired_for(hour);
    fixture.rejects(EXPIRED, [("ours", expired().sign())]).await;
    let tokens = [
        ("issuer", expired().claim("iss", "https://other.example").sign()),
        ("audience", expired().claim("aud", "https://other.example").sign()),
        ("kind", expired().header("typ", "JWT").sign()),
        ("bound", expired().claim("cnf", json!({"jkt": "x"})).sign()),
    ];
    fixture.rejects(INVALID, tokens).await;
}

#[tokio::test]
async fn token_bound_to_a_key_is_rejected_as_a_bearer_token() {
    let fixture = Fixture::new().await;
    let tokens = [
        json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
        json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}),
        json!({"jwk": {"kty": "EC"}}),
        json!({}),
        json!(null),
        json!("x"),
        json!([]),
        json!(1),
    ]
    .map(|cnf| (cnf.to_string(), fixture.token().claim("cnf", cnf).sign()));
    fixture.rejects(INVALID, tokens).await;
}

#[tokio::test]
async fn scopes_are_read_from_scope_or_scp_and_compared_exactly() {
    let fixture = Fixture::new().await;
    let close = |name: &str, value: Value| fixture.token().claim(name, value).sign();
    for (name, value) in [
        ("scope", json!("accounts:close")),
        ("scope", json!("accounts:read accounts:close")),
        ("scope", json!(["accounts:close"])),
        ("scp", json!(["accounts:read", "accounts:close"])),
        ("scp", json!("accounts:close accounts:read")),
    ] {
        let token = close(name, value.clone());
        assert_eq!(fixture.serving.close(&token).await, Ok("ada".into()), "{name} {value}");
    }
    let lacking = "PermissionDenied ACCESS_TOKEN_SCOPE_INSUFFICIENT";
    for (name, value) in [
        ("scope", json!("")),
        ("scope", json!("accounts:close2")),
        ("scope", json!("accounts")),
        ("scope", json!("accounts:close,accounts:read")),
        ("scope", json!("ACCOUNTS:CLOSE")),
        ("scope", json!([])),
        ("scp", json!(["accounts:read"])),
        ("scp", json!([""])),
        ("scopes", json!("accounts:close")),
        ("roles", json!(["accounts:close"])),
    ] {
        let token = close(name, value.clone());
        assert_eq!(fixture.serving.close(&token).await, Err(lacking.into()), "{name} {value}");
    }
    // `scope` takes precedence over `scp`.
    let both = fixture.token().scope("accounts:read").claim("scp", ["accounts:close"]).sign();
    assert_eq!(fixture.serving.close(&both).await, Err(lacking.into()));
    for wrong in [json!(1), json!({"accounts:close": true}), json!([1]), json!(true)] {
        let token = close("scope", wrong.clone());
        assert_eq!(fixture.serving.close(&token).await, Err(INVALID.into()), "{wrong}");
    }
}
