//! Tokens that aren't a compact JWS, and ambiguous base64url and JSON.

use serde_json::json;
use tonic::transport::Server;
use tonic_guard::{
    guard,
    jwt::{Claims, JwtVerifier, KeySet},
};
use tonic_guard_test::Issuer;
use tonic_guard_verifier_tests::{Bearers, Serving, pb::accounts_server::AccountsServer};

use crate::support::{AUDIENCE, Fixture, INVALID, ISSUER, MALFORMED, base64url};

#[tokio::test]
async fn token_without_three_parts_is_malformed() {
    let fixture = Fixture::new().await;
    let good = fixture.token().sign();
    let parts: Vec<_> = good.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    // RFC 7516, appendix A.2: five parts.
    let jwe_header = base64url(r#"{"alg":"RSA1_5","enc":"A128CBC-HS256"}"#);
    fixture
        .rejects(
            MALFORMED,
            [
                ("a word", "token".to_owned()),
                ("one part", header.to_owned()),
                ("two parts", format!("{header}.{payload}")),
                ("four parts", format!("{good}.{signature}")),
                ("four parts, the last empty", format!("{good}.")),
                ("JWE", format!("{jwe_header}.a2V5.aXY.dGV4dA.dGFn")),
                ("a JWS and two more", format!("{good}.dGV4dA.dGFn")),
                ("five empty parts", "....".to_owned()),
                ("no header", format!(".{payload}.{signature}")),
                ("no payload", format!("{header}..{signature}")),
                ("dots", ".".repeat(8000)),
                ("a dot first", format!(".{good}")),
            ],
        )
        .await;
}

#[tokio::test]
async fn json_serialisation_is_malformed() {
    let fixture = Fixture::new().await;
    let good = fixture.token().sign();
    let parts: Vec<_> = good.split('.').collect();
    let flat = json!({"protected": parts[0], "payload": parts[1], "signature": parts[2]});
    let flat = flat.to_string();
    fixture.rejects(MALFORMED, [("bare", flat.clone()), ("encoded", base64url(flat))]).await;
}

#[tokio::test]
async fn padding_and_non_canonical_base64url_are_malformed() {
    let fixture = Fixture::new().await;
    // A payload of 3n + 1 bytes leaves four spare bits, which a lax decoder ignores.
    let mut payload = fixture.token().payload();
    while payload.len() % 3 != 1 {
        payload = payload.replacen('{', "{ ", 1);
    }
    let mut header = fixture.header().to_string();
    while header.len() % 3 != 1 {
        header = header.replacen('{', "{ ", 1);
    }
    let good = fixture.sign(&header, &payload);
    fixture.admits(&good).await;
    let parts: Vec<_> = good.split('.').collect();
    let mut tokens = Vec::new();
    for at in 0..3 {
        let mut with = |name: &str, part: String| {
            let mut parts = parts.clone();
            parts[at] = &part;
            tokens.push((format!("{name} in part {at}"), parts.join(".")));
        };
        with("padding", format!("{}=", parts[at]));
        with("two padding", format!("{}==", parts[at]));
        with("standard alphabet", format!("{}+/", parts[at]));
        with("three characters more", format!("{}AAA", parts[at]));
        with("a tilde", format!("{}~A", parts[at]));
        // 3n + 1 bytes, or the signature's 64: the last character holds two bits of the value.
        let (rest, last) = parts[at].split_at(parts[at].len() - 1);
        let spare = match last {
            "A" => "B",
            "Q" => "R",
            "g" => "h",
            "w" => "x",
            other => panic!("part {at} ends in {other}"),
        };
        with("spare bits", format!("{rest}{spare}"));
    }
    fixture.rejects(MALFORMED, tokens).await;
}

#[tokio::test]
async fn header_or_payload_that_is_not_a_json_object_is_rejected() {
    let fixture = Fixture::new().await;
    let (header, payload) = (fixture.header().to_string(), fixture.token().payload());
    let mut tokens = Vec::new();
    let huge = format!("{{\"a\":{}1{}}}", "[".repeat(4000), "]".repeat(4000));
    for json in
        ["", "{", "[]", "null", "1", "\"x\"", "{}x", "{} {}", "{'alg':1}", "\u{feff}{}", &huge]
    {
        tokens.push((format!("header {json:.9}"), fixture.sign(json, &payload)));
        tokens.push((format!("payload {json:.9}"), fixture.sign(&header, json)));
    }
    fixture.admits(&fixture.token().sign()).await;
    for (name, token) in tokens {
        let outcome = fixture.serving.bearer(&token).await.unwrap_err();
        assert!([MALFORMED, INVALID].contains(&outcome.as_str()), "{name}: {outcome}");
    }
    // Not UTF-8.
    let broken = [&b"{\"sub\":\"\xff\","[..], payload.trim_start_matches('{').as_bytes()].concat();
    let message = format!("{}.{}", base64url(&header), base64url(broken));
    let signature = fixture.issuer.signing_key().signature(message.as_bytes());
    let token = format!("{message}.{}", base64url(signature));
    fixture.rejects(MALFORMED, [("not UTF-8", token)]).await;
}

#[tokio::test]
async fn duplicate_member_is_rejected() {
    let fixture = Fixture::new().await;
    let (header, payload) = (fixture.header().to_string(), fixture.token().payload());
    let twice = |json: &str, member: &str| json.replacen('{', &format!("{{{member},"), 1);
    let mut tokens = Vec::new();
    for member in [r#""alg":"none""#, r#""alg":"ES256""#, r#""kid":"x""#, r#""typ":"JWT""#] {
        tokens.push((member, fixture.sign(&twice(&header, member), &payload), MALFORMED));
    }
    let escaped = r#""\u0061lg":"none""#;
    tokens.push((escaped, fixture.sign(&twice(&header, escaped), &payload), MALFORMED));
    let own = r#""own":1,"own":2"#;
    tokens.push((own, fixture.sign(&twice(&header, own), &payload), MALFORMED));
    for member in [
        r#""exp":4102444800"#,
        r#""sub":"eve""#,
        r#""\u0073ub":"eve""#,
        r#""aud":"https://other.example""#,
        r#""iss":"https://evil.example""#,
        r#""scope":"accounts:close","scope":"""#,
        r#""own":1,"own":1"#,
        r#""own":{"a":1,"a":2}"#,
        r#""own":[{"b":{"a":1,"c":2,"a":2}}]"#,
    ] {
        tokens.push((member, fixture.sign(&header, &twice(&payload, member)), INVALID));
    }
    fixture.admits(&fixture.sign(&header, &payload)).await;
    fixture.admits(&fixture.sign(&header, &twice(&payload, r#""own":{"a":{"a":1}}"#))).await;
    for (member, token, rejection) in tokens {
        assert_eq!(fixture.serving.bearer(&token).await, Err(rejection.into()), "{member}");
    }
}

/// A server that accepts large headers, and a token of this many bytes.
async fn with_length(length: usize) -> (Serving, String) {
    let issuer = Issuer::new(ISSUER);
    let tokens: JwtVerifier<Claims> = JwtVerifier::access_tokens(ISSUER, AUDIENCE)
        .build(KeySet::from_jwks(issuer.jwks()).unwrap());
    let guarded = guard(Bearers { tokens }, AccountsServer::from_arc);
    let server = Server::builder().http2_max_header_list_size(64 * 1024);
    let serving = Serving::start(server.clone().add_service(guarded)).await;
    let token = |fill: usize| issuer.access_token(AUDIENCE).claim("fill", "x".repeat(fill)).sign();
    let short = token(0).len();
    let mut fill = (length - short) / 4 * 3;
    while token(fill).len() < length {
        fill += 1;
    }
    (serving, token(fill))
}

#[tokio::test]
async fn token_of_more_than_16_kib_is_malformed() {
    let (serving, token) = with_length(16 * 1024 - 2).await;
    assert!(token.len() <= 16 * 1024, "{}", token.len());
    assert_eq!(serving.bearer(&token).await, Ok("ada".into()));
    let (serving, token) = with_length(16 * 1024 + 1).await;
    assert_eq!(serving.bearer(&token).await, Err(MALFORMED.into()));
}

#[tokio::test]
async fn mebibyte_of_dots_is_rejected() {
    let fixture = Fixture::new().await;
    let outcome = fixture.serving.bearer(&".".repeat(1024 * 1024)).await;
    assert!(outcome.is_err(), "{outcome:?}");
    fixture.admits(&fixture.token().sign()).await;
}
