//! The causes of rejections, as the operator reads them, and the events of waived checks.

use std::{error::Error, time::Duration};

use tonic_guard::jwt::{Algorithm, Audience, Claims, Issuers, JwtVerifier, KeySet};
use tonic_guard_suite_support::Log;
use tonic_guard_test::{Issuer, Token};
use tonic_guard_verifier_tests::Serving;

use crate::support::{AUDIENCE, ISSUER, verify};

fn keys(issuer: &Issuer) -> KeySet {
    KeySet::from_jwks(issuer.jwks()).unwrap()
}

#[tokio::test]
async fn cause_has_what_was_expected_and_what_came() {
    let issuer = Issuer::new(ISSUER);
    let verifier: JwtVerifier<Claims> = JwtVerifier::access_tokens(ISSUER, [AUDIENCE, "second"])
        .algorithms([Algorithm::ES256, Algorithm::EdDSA])
        .require_claim("tenant", ["red", "blue"])
        .require_one_of_claims(["scp", "roles"])
        .authorized_parties(["spa"])
        .build(keys(&issuer));
    let token = || issuer.access_token(AUDIENCE).claim("tenant", "red").claim("scp", "x");
    assert!(verify(&verifier, &token().sign()).await.is_ok());
    let impostor = Issuer::new(ISSUER);
    let forged = impostor.access_token(AUDIENCE).claim("tenant", "red").claim("scp", "x");
    let cases: [(Token<'_>, &[&str]); 11] = [
        (
            token().claim("iss", "https://id.example/"),
            &[r#"expected_iss="https://id.example""#, r#"unverified_iss="https://id.example/""#],
        ),
        (
            token().claim("aud", ["account", "other"]),
            &[
                r#"expected_aud="https://accounts.example second""#,
                r#"unverified_aud="account other""#,
            ],
        ),
        (token().header("typ", "JWT"), &[r#"expected_typ="at+jwt""#, r#"unverified_typ="JWT""#]),
        (
            token().header("alg", "RS256"),
            &[r#"expected_alg="ES256 EdDSA""#, r#"unverified_alg="RS256""#],
        ),
        (token().claim("tenant", "green"), &[r#"claim="tenant""#, r#"expected_values="red blue""#]),
        (token().without("scp"), &[r#"expected_claims="scp roles""#]),
        (token().claim("azp", "cli"), &[r#"expected_azp="spa""#, r#"unverified_azp="cli""#]),
        (
            token().expired_for(Duration::from_secs(3600)),
            &[
                "`exp` is in the past",
                r#"unverified_seconds_since_exp="360"#,
                r#"clock_skew_seconds="60""#,
            ],
        ),
        (
            token().claim("nbf", 4_102_444_800_u64),
            &["`nbf` is in the future", r#"unverified_seconds_until_nbf=""#],
        ),
        (
            forged,
            &[
                r#"unverified_alg="ES256""#,
                r#"unverified_kid=""#,
                r#"unverified_iss="https://id.example""#,
            ],
        ),
        (token().header("kid", "un\nknown"), &[r#"unverified_kid="un\nknown""#]),
    ];
    for (token, parts) in cases {
        let error = verify(&verifier, &token.sign()).await.unwrap_err();
        let cause = error.source().unwrap().to_string();
        for part in parts {
            assert!(cause.contains(part), "{part} isn't in: {cause}");
        }
        assert!(!cause.contains("ada"), "the subject is never quoted: {cause}");
    }
}

#[tokio::test]
async fn cause_stays_within_the_process_and_its_line() {
    let (log, _guard) = Log::of_thread();
    let issuer = Issuer::new(ISSUER);
    let verifier: JwtVerifier<Claims> = JwtVerifier::any_jwt(ISSUER, AUDIENCE).build(keys(&issuer));
    let long = format!("a\n\u{1b}[31m\u{202e}\"{}", "x".repeat(8000));
    let serving = Serving::bearers(verifier.clone()).await;
    let mut statuses = Vec::new();
    for token in [
        issuer.plain_jwt(AUDIENCE).claim("iss", &long),
        issuer.plain_jwt(AUDIENCE).claim("aud", [&long[..1000]; 5]),
        issuer.plain_jwt(AUDIENCE).header("kid", &long[..1000]),
        issuer.plain_jwt(AUDIENCE).header("alg", &long[..1000]),
        issuer.plain_jwt(AUDIENCE).claim("iss", "short"),
    ] {
        let token = token.sign();
        let error = verify(&verifier, &token).await.unwrap_err();
        let cause = error.source().unwrap().to_string();
        assert!(cause.len() < 1200 && !cause.contains(['\n', '\u{1b}', '\u{202e}']), "{cause}");
        let header = format!("Bearer {token}");
        let status = serving.whoami(&[("authorization", &header)]).await.unwrap_err();
        statuses.push((status.message().to_owned(), status.details().to_vec()));
    }
    statuses.dedup();
    assert_eq!(statuses.len(), 1, "the caller gets one constant");
    let lines = log.take_lines();
    assert!(lines.iter().all(|line| line.len() < 1500), "{lines:?}");
    let short = |line: &String| line.contains("INFO") && line.contains(r#"unverified_iss="short""#);
    assert!(lines.iter().any(short), "{lines:?}");
}

#[test]
fn waived_checks_are_reported_at_start() {
    let issuer = Issuer::new(ISSUER);
    let any = || Issuers::template("https://login.example/{tenantid}").any_tenant();
    let build = |issuers: Issuers, audience: Audience| {
        let (log, guard) = Log::of_thread();
        let verifier: JwtVerifier<Claims> =
            JwtVerifier::any_jwt(issuers, audience).build(keys(&issuer));
        drop(guard);
        (log.take_lines().concat(), format!("{verifier:?}"))
    };
    let (log, _) = build(ISSUER.into(), AUDIENCE.into());
    assert_eq!(log, "", "nothing is waived");

    let (log, debug) = build(ISSUER.into(), Audience::waived("project", ["acme"]));
    assert!(log.contains("INFO") && log.contains("the audience of tokens isn't checked"), "{log}");
    assert!(log.contains("project") && log.contains("acme"), "{log}");
    assert!(debug.contains("waived: Some(") && debug.contains("acme"), "{debug}");

    let (log, debug) = build(ISSUER.into(), Audience::clients("client_id", ["web-shop"]));
    assert!(log.contains("tokens without an audience are accepted by their client"), "{log}");
    assert!(debug.contains("web-shop"), "{debug}");

    let (log, debug) = build(any(), AUDIENCE.into());
    assert!(log.contains("tokens of every tenant are accepted"), "{log}");
    assert!(debug.contains("tenants: Any"), "{debug}");
}
