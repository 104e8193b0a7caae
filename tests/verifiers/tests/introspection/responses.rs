//! The introspection responses that admit a caller, and those that don't.

use super::*;

#[tokio::test]
async fn active_token_is_admitted_with_its_claims() {
    let provider = provider().await;
    let serving = serving(&provider).await;
    assert_eq!(serving.bearer("opaque").await, Ok("ada".into()));
    assert_eq!(
        serving.close("opaque").await,
        Err("PermissionDenied ACCESS_TOKEN_SCOPE_INSUFFICIENT".into())
    );
    provider.reply_by(ENDPOINT, |_| {
        Reply::Json(ada(json!({"sub": "eve", "scope": "openid accounts:close"})))
    });
    assert_eq!(serving.close("another").await, Ok("eve".into()));
}

#[tokio::test]
async fn each_member_of_the_response_is_checked() {
    let provider = Provider::start().await;
    let serving = serving(&provider).await;
    let now = unix_now();
    let good: Result<&str, &str> = Ok("ada");
    let cases: &[(&str, String, Result<&str, &str>)] = &[
        ("as it should be", ada(json!({})), good),
        ("white space first", format!(" \n{}", ada(json!({}))), good),
        // `active`.
        ("not active", ada(json!({"active": false})), Err(INVALID)),
        ("nothing but inactive", json!({"active": false}).to_string(), Err(INVALID)),
        ("active as a string", ada(json!({"active": "true"})), Err(UNAVAILABLE)),
        ("active as a number", ada(json!({"active": 1})), Err(UNAVAILABLE)),
        ("active as a list", ada(json!({"active": [true]})), Err(UNAVAILABLE)),
        ("no active", ada(json!({"active": null})), Err(UNAVAILABLE)),
        ("active: null", ada(json!({})).replace("true", "null"), Err(UNAVAILABLE)),
        ("active twice", ada(json!({})).replacen('{', "{\"active\":false,", 1), Err(UNAVAILABLE)),
        // The issuer.
        ("no issuer", ada(json!({"iss": null})), Err(INVALID)),
        ("another issuer", ada(json!({"iss": "https://evil.example"})), Err(INVALID)),
        ("a longer issuer", ada(json!({"iss": format!("{ISSUER}/")})), Err(INVALID)),
        ("an issuer in capitals", ada(json!({"iss": ISSUER.to_uppercase()})), Err(INVALID)),
        ("a list of issuers", ada(json!({"iss": [ISSUER]})), Err(INVALID)),
        // The audience.
        ("no audience", ada(json!({"aud": null})), Err(INVALID)),
        ("another audience", ada(json!({"aud": "https://shop.example"})), Err(INVALID)),
        ("a longer audience", ada(json!({"aud": format!("{AUDIENCE}.evil")})), Err(INVALID)),
        ("a shorter audience", ada(json!({"aud": "https://accounts"})), Err(INVALID)),
        ("an empty audience", ada(json!({"aud": ""})), Err(INVALID)),
        ("no audience in the list", ada(json!({"aud": []})), Err(INVALID)),
        ("others in the list", ada(json!({"aud": ["a", "b"]})), Err(INVALID)),
        ("this service in the list", ada(json!({"aud": ["https://shop.example", AUDIENCE]})), good),
        ("a number in the list", ada(json!({"aud": [AUDIENCE, 1]})), Err(INVALID)),
        ("a nested list", ada(json!({"aud": [[AUDIENCE]]})), Err(INVALID)),
        ("an object", ada(json!({"aud": {AUDIENCE: true}})), Err(INVALID)),
        // The times; the skew is a minute.
        ("no end", ada(json!({"exp": null})), good),
        ("an end with a fraction", ada(json!({"exp": now + 600.245765})), good),
        ("an end in the past", ada(json!({"exp": now - 70.0})), Err(EXPIRED)),
        ("an end with a fraction in the past", ada(json!({"exp": now - 60.5})), Err(EXPIRED)),
        ("an end within the skew", ada(json!({"exp": now - 30.0})), good),
        ("a negative end", ada(json!({"exp": -1})), Err(EXPIRED)),
        ("an end at zero", ada(json!({"exp": 0})), Err(EXPIRED)),
        ("an end far away", ada(json!({"exp": u64::MAX})), good),
        ("an end farther away", ada(json!({"exp": 1e300})), good),
        ("an end as a string", ada(json!({"exp": (now + 600.0).to_string()})), Err(INVALID)),
        ("an end as a list", ada(json!({"exp": [now + 600.0]})), Err(INVALID)),
        ("exp: null", ada(json!({"exp": "E"})).replace("\"E\"", "null"), Err(INVALID)),
        ("a beginning in the past", ada(json!({"nbf": now - 5.5})), good),
        ("a beginning within the skew", ada(json!({"nbf": now + 30.0})), good),
        ("a beginning to come", ada(json!({"nbf": now + 120.5})), Err(INVALID)),
        ("a beginning as a string", ada(json!({"nbf": "0"})), Err(INVALID)),
        ("nbf: null", ada(json!({"nbf": "N"})).replace("\"N\"", "null"), Err(INVALID)),
        // The token's type.
        ("bound to a certificate", ada(json!({"cnf": {"x5t#S256": "bwcK0esc"}})), Err(INVALID)),
        ("bound to nothing", ada(json!({"cnf": {}})), Err(INVALID)),
        ("cnf: null", ada(json!({"cnf": "C"})).replace("\"C\"", "null"), Err(INVALID)),
        ("no type", ada(json!({"token_type": null})), good),
        ("a type in small letters", ada(json!({"token_type": "bearer"})), good),
        ("an access token", ada(json!({"token_type": "access_token"})), good),
        ("a refresh token", ada(json!({"token_type": "refresh_token"})), Err(INVALID)),
        ("bound by DPoP", ada(json!({"token_type": "DPoP"})), Err(INVALID)),
        ("a type that isn't text", ada(json!({"token_type": ["Bearer"]})), Err(INVALID)),
        ("Keycloak's for access", ada(json!({"typ": "Bearer"})), good),
        ("Keycloak's ID token", ada(json!({"typ": "ID"})), Err(INVALID)),
        ("Keycloak's refresh token", ada(json!({"typ": "Refresh"})), Err(INVALID)),
        ("Keycloak's offline token", ada(json!({"typ": "Offline"})), Err(INVALID)),
        ("Keycloak's logout token", ada(json!({"typ": "Logout"})), Err(INVALID)),
        ("a kind that isn't text", ada(json!({"typ": ["Bearer"]})), Err(INVALID)),
        ("typ: null", ada(json!({"typ": "T"})).replace("\"T\"", "null"), Err(INVALID)),
        ("Cognito's for access", ada(json!({"token_use": "access"})), good),
        ("Cognito's ID token", ada(json!({"token_use": "id"})), Err(INVALID)),
        ("Hydra's for access", ada(json!({"token_use": "access_token"})), good),
        ("Hydra's refresh token", ada(json!({"token_use": "refresh_token"})), Err(INVALID)),
        ("an unknown use", ada(json!({"token_use": "Access"})), Err(INVALID)),
        ("a use that isn't text", ada(json!({"token_use": 1})), Err(INVALID)),
        ("an ID token with a nonce", ada(json!({"nonce": "n-0S6"})), Err(INVALID)),
        ("an ID token with a hash", ada(json!({"at_hash": "MTIzNDU2"})), Err(INVALID)),
        ("an ID token with another hash", ada(json!({"c_hash": "MTIzNDU2"})), Err(INVALID)),
        ("an ID token with a third hash", ada(json!({"s_hash": "MTIzNDU2"})), Err(INVALID)),
        ("an event", ada(json!({"events": {}})), Err(INVALID)),
        ("unknown claims", ada(json!({"nonces": 1, "event": 1, "hash": [{}]})), good),
        // The claims type of the service.
        ("a claim is missing", ada(json!({"sub": null})), Err(INVALID)),
        ("a claim of another type", ada(json!({"sub": 7})), Err(INVALID)),
    ];
    for (at, (name, answer, expected)) in cases.iter().enumerate() {
        provider.reply(ENDPOINT, Reply::Json(answer.clone()));
        let outcome = serving.bearer(&format!("token-{at}")).await;
        let outcome = outcome.as_deref().map_err(String::as_str);
        assert_eq!(outcome, *expected, "{name}: {answer}");
    }
}

#[tokio::test]
async fn unchecked_matchers_waive_only_their_claim() {
    let provider = Provider::start().await;
    let builder = |issuer, audience| {
        let client = ClientAuthentication::basic("accounts", "s3cret");
        let endpoint = provider.url(ENDPOINT);
        IntrospectionVerifier::<Claims>::builder(endpoint, client, issuer, audience)
            .http_client(http())
            .cache_ttl(Duration::ZERO)
            .negative_cache_ttl(Duration::ZERO)
            .build()
            .unwrap()
    };
    let any_issuer = builder(IssuerMatcher::unchecked(), AudienceMatcher::includes(AUDIENCE));
    let any_audience = builder(IssuerMatcher::is(ISSUER), AudienceMatcher::unchecked());
    let (any_issuer, any_audience) =
        (Serving::bearers(any_issuer).await, Serving::bearers(any_audience).await);
    for (answer, by_audience, by_issuer) in [
        (json!({"iss": null}), true, false),
        (json!({"iss": "https://evil.example"}), true, false),
        (json!({"aud": null}), false, true),
        (json!({"aud": "https://shop.example"}), false, true),
        (json!({"iss": null, "aud": null}), false, false),
        (json!({"cnf": {}}), false, false),
        (json!({"exp": 1}), false, false),
        (json!({"active": false}), false, false),
    ] {
        provider.reply(ENDPOINT, Reply::Json(ada(answer.clone())));
        assert_eq!(any_issuer.bearer("opaque").await.is_ok(), by_audience, "{answer}");
        assert_eq!(any_audience.bearer("opaque").await.is_ok(), by_issuer, "{answer}");
    }
}

#[tokio::test]
async fn empty_issuer_or_audience_matches_nothing() {
    let provider = Provider::start().await;
    provider.reply(ENDPOINT, Reply::Json(ada(json!({"iss": "", "aud": ""}))));
    for (issuer, audience) in [
        (IssuerMatcher::is(""), AudienceMatcher::unchecked()),
        (IssuerMatcher::unchecked(), AudienceMatcher::includes("")),
    ] {
        let client = ClientAuthentication::basic("accounts", "s3cret");
        let endpoint = provider.url(ENDPOINT);
        let verifier = IntrospectionVerifier::<Claims>::builder(endpoint, client, issuer, audience)
            .http_client(http())
            .build()
            .unwrap();
        assert_eq!(Serving::bearers(verifier).await.bearer("opaque").await, Err(INVALID.into()));
    }
}

#[tokio::test]
async fn clock_skew_is_configurable() {
    let provider = Provider::start().await;
    let verifier = builder::<Claims>(&provider).clock_skew(Duration::ZERO);
    let verifier =
        verifier.cache_ttl(Duration::ZERO).negative_cache_ttl(Duration::ZERO).build().unwrap();
    let serving = Serving::bearers(verifier).await;
    let now = unix_now();
    for (answer, expected) in [
        (json!({"exp": now - 1.0}), Err(EXPIRED)),
        (json!({"nbf": now + 30.0}), Err(INVALID)),
        (json!({"exp": now + 600.0, "nbf": now - 1.0}), Ok("ada")),
    ] {
        provider.reply(ENDPOINT, Reply::Json(ada(answer.clone())));
        let outcome = serving.bearer("opaque").await;
        assert_eq!(outcome.as_deref().map_err(String::as_str), expected, "{answer}");
    }
}

#[tokio::test]
async fn invalid_response_is_unavailable() {
    let provider = Provider::start().await;
    let http = HttpClient::builder().allow_http_on_loopback();
    let http = http.timeout(Duration::from_millis(500)).build().unwrap();
    let verifier = builder::<Claims>(&provider).http_client(http).build().unwrap();
    let serving = Serving::bearers(verifier).await;
    let good = ada(json!({}));
    let redirect_target = Provider::start().await;
    redirect_target.reply(ENDPOINT, Reply::Json(good.clone()));
    let whole = |status: u16, body: &str| {
        Reply::Whole(
            http::StatusCode::from_u16(status).unwrap(),
            Vec::new(),
            body.to_owned().into(),
        )
    };
    let padded = format!("{good}{}", " ".repeat(512 * 1024));
    let cases = [
        ("not found", Reply::status(404)),
        ("a broken server", Reply::status(500)),
        ("a broken server with a good body", whole(500, &good)),
        ("the service's credentials rejected", whole(401, &good)),
        ("the service's credentials insufficient", whole(403, &good)),
        ("created", whole(201, &good)),
        ("no content", Reply::status(204)),
        ("a redirect", Reply::redirect(redirect_target.url(ENDPOINT))),
        ("a body without end", Reply::Endless),
        ("a body that is too large", Reply::Json(padded)),
        ("a body that stops", Reply::Stalled),
        ("a connection that ends", Reply::Reset),
        ("nothing", Reply::Json(String::new())),
        ("no JSON", Reply::Json("<html>sign in</html>".into())),
        ("half of the JSON", Reply::Json(good[..good.len() / 2].into())),
        ("the JSON twice", Reply::Json(format!("{good}{good}"))),
        ("a list", Reply::Json("[true]".into())),
        ("a list of the members", Reply::Json(format!("[true, {ISSUER:?}, {AUDIENCE:?}]"))),
        ("true", Reply::Json("true".into())),
        ("an error", Reply::Json(json!({"error": "invalid_request"}).to_string())),
        ("a number out of range", Reply::Json(good.replacen('{', "{\"exp\": 1e999,", 1))),
    ];
    for (at, (name, reply)) in cases.into_iter().enumerate() {
        provider.reply(ENDPOINT, reply);
        let outcome = within(name, serving.bearer(&format!("token-{at}"))).await;
        assert_eq!(outcome, Err(UNAVAILABLE.into()), "{name}");
    }
    assert_eq!(redirect_target.request_count(), 0, "the token was sent to the redirect target");
}

#[derive(Debug)]
struct Panics;

impl<'de> Deserialize<'de> for Panics {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let claims = Claims::deserialize(deserializer)?;
        assert_ne!(claims.sub, "ada", "the deserialization of claims panics");
        Ok(Panics)
    }
}

impl Named for Panics {
    fn name(&self) -> String {
        "nobody".into()
    }
}

impl HasScopes for Panics {
    fn has_scope(&self, _: &str) -> bool {
        false
    }
}

#[tokio::test]
async fn panicking_claims_type_rejects_only_its_call() {
    let provider = provider().await;
    let serving = Serving::bearers(builder::<Panics>(&provider).build().unwrap()).await;
    for _ in 0..2 {
        assert_eq!(serving.bearer("opaque").await, Err("Internal ".into()));
    }
    provider.reply_by(ENDPOINT, |_| Reply::Json(ada(json!({"sub": "eve"}))));
    assert_eq!(serving.bearer("another").await, Ok("nobody".into()));
}
