//! The service's authentication at the endpoint, and the request that it sends.

use super::*;

async fn asked_by(client: ClientAuthentication) -> Received {
    let provider = provider().await;
    let (issuer, audience) = (IssuerMatcher::is(ISSUER), AudienceMatcher::includes(AUDIENCE));
    let endpoint = provider.url(ENDPOINT);
    let verifier = IntrospectionVerifier::<Claims>::builder(endpoint, client, issuer, audience)
        .http_client(http())
        .build()
        .unwrap();
    let serving = Serving::bearers(verifier).await;
    assert_eq!(serving.bearer("a+token/with=").await, Ok("ada".into()));
    let [seen] = provider.received().try_into().unwrap();
    seen
}

#[tokio::test]
async fn token_is_sent_in_a_form_and_only_json_is_accepted() {
    let seen = asked_by(ClientAuthentication::basic("accounts", "s3cret")).await;
    assert_eq!(seen.form["token"], "a+token/with=");
    assert_eq!(seen.form["token_type_hint"], "access_token");
    assert_eq!(seen.form.len(), 2, "{:?}", seen.form.keys());
    assert_eq!(seen.headers["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(seen.headers["accept"], "application/json");
    assert_eq!(seen.headers.get("accept-encoding"), None, "no compression is requested");
}

#[tokio::test]
async fn basic_form_encodes_the_id_and_the_secret_first() {
    for (id, secret, expected) in [
        ("accounts", "s3cret", "accounts:s3cret"),
        ("a:b", "c:d e", "a%3Ab:c%3Ad+e"),
        ("", "", ":"),
        ("ü", "%/+&=~*-._", "%C3%BC:%25%2F%2B%26%3D%7E*-._"),
    ] {
        let seen = asked_by(ClientAuthentication::basic(id, secret)).await;
        let value = seen.headers["authorization"].to_str().unwrap();
        let encoded = value.strip_prefix("Basic ").unwrap();
        let decoded = base64::Engine::decode(&base64::prelude::BASE64_STANDARD, encoded).unwrap();
        assert_eq!(String::from_utf8(decoded).unwrap(), expected);
        assert!(!seen.form.contains_key("client_secret"));
    }
}

#[tokio::test]
async fn post_sends_the_secret_only_in_the_form() {
    let seen = asked_by(ClientAuthentication::post("acc ounts", "s3&cret=")).await;
    assert_eq!(seen.form["client_id"], "acc ounts");
    assert_eq!(seen.form["client_secret"], "s3&cret=");
    assert_eq!(seen.form["token"], "a+token/with=");
    assert_eq!(seen.headers.get("authorization"), None);
}

#[tokio::test]
async fn bearer_sends_the_services_token() {
    let seen = asked_by(ClientAuthentication::bearer("our-own")).await;
    assert_eq!(seen.headers["authorization"], "Bearer our-own");
    assert_eq!(seen.form["token"], "a+token/with=");
}

#[tokio::test]
async fn credentials_invalid_in_a_header_are_never_sent() {
    let provider = provider().await;
    let client = ClientAuthentication::bearer("two\r\nlines");
    let (issuer, audience) = (IssuerMatcher::is(ISSUER), AudienceMatcher::includes(AUDIENCE));
    let endpoint = provider.url(ENDPOINT);
    let verifier = IntrospectionVerifier::<Claims>::builder(endpoint, client, issuer, audience)
        .http_client(http())
        .build()
        .unwrap();
    let serving = Serving::bearers(verifier).await;
    assert_eq!(serving.bearer("opaque").await, Err(UNAVAILABLE.into()));
    assert_eq!(provider.request_count(), 0);
}

#[tokio::test]
async fn endpoint_without_https_is_rejected_at_start() {
    let build = |endpoint: &str, http: Option<HttpClient>| {
        let client = ClientAuthentication::basic("accounts", "s3cret");
        let (issuer, audience) = (IssuerMatcher::is(ISSUER), AudienceMatcher::includes(AUDIENCE));
        let builder = IntrospectionVerifier::<Claims>::builder(endpoint, client, issuer, audience);
        match http {
            Some(http) => builder.http_client(http).build(),
            None => builder.build(),
        }
    };
    assert!(build("https://id.example/introspect", None).is_ok());
    assert!(build("http://127.0.0.1/introspect", Some(http())).is_ok());
    for (endpoint, client, message) in [
        ("http://id.example/introspect", None, "http://id.example/introspect isn't https"),
        ("http://127.0.0.1/introspect", None, "http://127.0.0.1/introspect isn't https"),
        ("http://id.example/introspect", Some(http()), "http://id.example/introspect isn't https"),
        ("file:///etc/passwd", Some(http()), "file:///etc/passwd isn't https"),
        ("/introspect", None, "/introspect isn't a URL"),
    ] {
        assert_eq!(build(endpoint, client).unwrap_err().to_string(), message);
    }
}
