//! Headers that are nearly right: the "Headers" and "Basic" lines of the list of attacks.

use http::StatusCode;
use tonic::transport::Server;
use tonic_guard::guard;
use tonic_guard_suite_support::{
    Caller, Partner, Running, User, pb::extra_server::ExtraServer, reason,
};

use crate::support::{
    frames::{self, HEADERS},
    raw::{H2, UNARY, framed, one_note},
    service::{Ran, call, note, serve_guarded, serve_without_guard},
};

service!(ByToken: [scheme = "bearer"] => User);
service!(ByPassword: [scheme = "basic"] => User);
service!(ByKey: [scheme = "api-key"] => Partner);
service!(ByTokenInHeader: [scheme = tonic_guard::scheme::Bearer::in_header("x-goog-iap-jwt-assertion")] => User);
service!(ByShortToken: [scheme = tonic_guard::scheme::Bearer::new().max_length(9)] => User);
service!(ByAny: [scheme = one_of("bearer", "basic", "api-key")] => Caller);

/// Headers and the reason of their rejection; `None` if they are admitted.
type Case<'a> = (&'a [(&'a str, &'a [u8])], Option<&'a str>);

const GOOD: (&str, &[u8]) = ("authorization", b"Bearer ada-token");
const BAD: (&str, &[u8]) = ("authorization", b"Bearer nobodys-token");
const KEY: (&str, &[u8]) = ("x-api-key", b"key-1");

const MISSING: Option<&str> = Some("CREDENTIALS_MISSING");
const OVERLOADED: Option<&str> = Some("OVERLOADED_CREDENTIALS");
const MALFORMED: Option<&str> = Some("CREDENTIALS_MALFORMED");
const UNSUPPORTED: Option<&str> = Some("CREDENTIAL_TYPE_UNSUPPORTED");
const INVALID: Option<&str> = Some("CREDENTIALS_INVALID");

const TOKEN_CASES: &[Case<'static>] = &[
    (&[GOOD], None),
    (&[("authorization", b"BEARER ada-token")], None),
    (&[("authorization", b"bearer ada-token")], None),
    (&[("authorization", b"Bearer  ada-token")], None),
    (&[], MISSING),
    (&[GOOD, BAD], OVERLOADED),
    (&[BAD, GOOD], OVERLOADED),
    (&[GOOD, GOOD], OVERLOADED),
    (&[GOOD, ("authorization", b"")], OVERLOADED),
    (&[GOOD, ("authorization", b"Basic YWRhOnBhOnNz")], OVERLOADED),
    (&[("authorization", b"Bearer ada-token,Bearer ada-token")], MALFORMED),
    (&[("authorization", b"Bearer ada-token, Bearer nobodys-token")], MALFORMED),
    (&[("authorization", b"Bearer ada-token, eve-token")], MALFORMED),
    (&[("authorization", b"bearer\tada-token")], MALFORMED),
    (&[("authorization", b"Bearer \tada-token")], MALFORMED),
    (&[("authorization", b"Bearer ada-token\t")], MALFORMED),
    (&[("authorization", b"Bearer ada-token ")], MALFORMED),
    (&[("authorization", b" Bearer ada-token")], MALFORMED),
    (&[("authorization", b"Bearer ada token")], MALFORMED),
    (&[("authorization", b"Bearer")], MALFORMED),
    (&[("authorization", b"Bearer ")], MALFORMED),
    (&[("authorization", b"")], MALFORMED),
    (&[("authorization", b"Bearer \"ada-token\"")], MALFORMED),
    (&[("authorization", b"Bearer ada\xf6token")], MALFORMED),
    (&[("authorization", b"Bearer ada-token\xff")], MALFORMED),
    (&[("authorization", b"Bearer\xc2\xa0ada-token")], MALFORMED),
    (&[("authorization", b"xBearer ada-token")], UNSUPPORTED),
    (&[("authorization", b"Bearertok")], UNSUPPORTED),
    (&[("authorization", b"ada-token")], UNSUPPORTED),
    (&[("authorization", b"Basic YWRhOnBhOnNz")], UNSUPPORTED),
    (&[BAD], INVALID),
    (&[("authorization", b"Bearer ada-tokenx")], INVALID),
    (&[("authorization", b"Bearer ada-toke")], INVALID),
    (&[("authorization", b"Bearer ADA-TOKEN")], INVALID),
    // base64 of `Bearer ada-token`
    (&[("authorization-bin", b"QmVhcmVyIGFkYS10b2tlbg")], MISSING),
    (&[("proxy-authorization", b"Bearer ada-token")], MISSING),
    (&[("cookie", b"authorization=Bearer ada-token")], MISSING),
    (&[("x-user-id", b"ada")], MISSING),
    (&[("x-forwarded-user", b"ada"), ("x-authorization", b"Bearer ada-token")], MISSING),
    // The header of another scheme is ignored.
    (&[GOOD, KEY], None),
    (&[KEY], MISSING),
];

const PASSWORD_CASES: &[Case<'static>] = &[
    // `ada:pa:ss`
    (&[("authorization", b"Basic YWRhOnBhOnNz")], None),
    (&[("authorization", b"bAsIc   YWRhOnBhOnNz")], None),
    // `ada:`
    (&[("authorization", b"Basic YWRhOg==")], INVALID),
    // `ada:pa`: the password up to its colon
    (&[("authorization", b"Basic YWRhOnBh")], INVALID),
    // `nobody:pa:ss`
    (&[("authorization", b"Basic bm9ib2R5OnBhOnNz")], INVALID),
    // `ada`
    (&[("authorization", b"Basic YWRh")], MALFORMED),
    // `ada:pa:ss\0`, `a\nda:pa:ss`
    (&[("authorization", b"Basic YWRhOnBhOnNzAA==")], MALFORMED),
    (&[("authorization", b"Basic YQpkYTpwYTpzcw==")], MALFORMED),
    (&[("authorization", b"Basic ====")], MALFORMED),
    (&[("authorization", b"Basic YWRhOnBhOnN")], MALFORMED),
    (&[("authorization", b"Basic YWRhOnBhOnNz=")], MALFORMED),
    (&[("authorization", b"Basic ada:pa:ss")], MALFORMED),
    (&[("authorization", b"Basic")], MALFORMED),
    (&[GOOD], UNSUPPORTED),
];

const KEY_CASES: &[Case<'static>] = &[
    (&[KEY], None),
    (&[KEY, BAD], None),
    (&[KEY, KEY], OVERLOADED),
    (&[KEY, ("x-api-key", b"key-9")], OVERLOADED),
    (&[("x-api-key", b"key-9"), KEY], OVERLOADED),
    (&[("x-api-key", b"key-1,key-1")], MALFORMED),
    (&[("x-api-key", b"")], MALFORMED),
    (&[("x-api-key", b"key-1 ")], MALFORMED),
    (&[("x-api-key", b"key\xff1")], MALFORMED),
    (&[("x-api-key", b"KEY-1")], Some("API_KEY_INVALID")),
    (&[("x-api-key", b"key-9")], Some("API_KEY_INVALID")),
    (&[("x-api-key-bin", b"a2V5LTE")], MISSING),
    (&[GOOD], MISSING),
];

const ANY_CASES: &[Case<'static>] = &[
    (&[GOOD], None),
    (&[KEY], None),
    (&[GOOD, KEY], OVERLOADED),
    (&[KEY, GOOD], OVERLOADED),
    (&[BAD, KEY], OVERLOADED),
    (&[GOOD, ("x-api-key", b"key-9")], OVERLOADED),
    (&[("authorization", b"Bearer"), KEY], OVERLOADED),
    // No scheme reads this, so the good key beside it doesn't help.
    (&[("authorization", b"Negotiate YQ=="), KEY], UNSUPPORTED),
    (&[("authorization", b"Bearertok"), KEY], UNSUPPORTED),
];

const ASSERTION: (&str, &[u8]) = ("x-goog-iap-jwt-assertion", b"ada-token");
const BAD_ASSERTION: (&str, &[u8]) = ("x-goog-iap-jwt-assertion", b"nobodys-token");

const TOKEN_IN_HEADER_CASES: &[Case<'static>] = &[
    (&[ASSERTION], None),
    // The `authorization` header is ignored, whatever it has.
    (&[ASSERTION, BAD], None),
    (&[], MISSING),
    (&[GOOD], MISSING),
    (&[("x-goog-iap-jwt-assertion-bin", b"YWRhLXRva2Vu")], MISSING),
    (&[("x-iap-jwt-assertion", b"ada-token")], MISSING),
    (&[BAD_ASSERTION], INVALID),
    (&[BAD_ASSERTION, GOOD], INVALID),
    (&[ASSERTION, ASSERTION], OVERLOADED),
    (&[ASSERTION, BAD_ASSERTION], OVERLOADED),
    (&[("x-goog-iap-jwt-assertion", b"Bearer ada-token")], MALFORMED),
    (&[("x-goog-iap-jwt-assertion", b"")], MALFORMED),
    (&[("x-goog-iap-jwt-assertion", b"ada-token,ada-token")], MALFORMED),
    (&[("x-goog-iap-jwt-assertion", b"ada-token ")], MALFORMED),
    (&[("x-goog-iap-jwt-assertion", b"\"ada-token\"")], MALFORMED),
    (&[("x-goog-iap-jwt-assertion", b"ada-token\xff")], MALFORMED),
];

const SHORT_TOKEN_CASES: &[Case<'static>] = &[
    (&[GOOD], None),
    (&[("authorization", b"Bearer     ada-token")], None),
    (&[("authorization", b"Bearer nobodyss")], INVALID),
    (&[("authorization", b"Bearer ada-tokenx")], MALFORMED),
];

async fn assert_outcomes(server: &Running, ran: &Ran, cases: &[Case<'_>]) {
    let mut h2 = H2::connect(server).await;
    for (headers, why) in cases {
        let before = ran.times();
        let answer = h2.send(h2.request(UNARY, headers, one_note())).await.unwrap();
        assert_eq!(answer.http, StatusCode::OK);
        let values: Vec<_> =
            headers.iter().map(|(_, value)| value.escape_ascii().to_string()).collect();
        assert_eq!(
            Some(&*reason(&answer.status())).filter(|it| !it.is_empty()),
            *why,
            "{values:?}"
        );
        assert_eq!(ran.times() - before, usize::from(why.is_none()), "{values:?}");
    }
}

macro_rules! assert_outcomes_with_and_without_guard {
    ($service:ident, $cases:expr) => {
        let service = $service::default();
        let ran = service.ran.clone();
        assert_outcomes(&serve_guarded(service).await, &ran, $cases).await;
        let service = $service::default();
        let ran = service.ran.clone();
        assert_outcomes(&serve_without_guard(service).await, &ran, $cases).await;
    };
}

#[tokio::test]
async fn bearer_token_follows_its_grammar() {
    assert_outcomes_with_and_without_guard!(ByToken, TOKEN_CASES);
}

#[tokio::test]
async fn bearer_token_is_read_from_the_header_that_the_attribute_names() {
    assert_outcomes_with_and_without_guard!(ByTokenInHeader, TOKEN_IN_HEADER_CASES);
}

#[tokio::test]
async fn bearer_token_over_the_limit_is_malformed() {
    assert_outcomes_with_and_without_guard!(ByShortToken, SHORT_TOKEN_CASES);
}

#[tokio::test]
async fn tonic_client_gets_no_reason_beyond_the_header_limit_of_the_transport() {
    let server = serve_guarded(ByToken::default()).await;
    let long = format!("Bearer {}", "a".repeat(17 * 1024));
    let status = call(&server, &[("authorization", &long)]).await.unwrap_err();
    assert_eq!((status.code(), &*reason(&status)), (tonic::Code::Unknown, ""), "{status:?}");
    assert!(status.message().contains("431"), "{status:?}");
}

#[tokio::test]
async fn rejected_token_in_another_header_has_no_challenge() {
    let server = serve_guarded(ByTokenInHeader::default()).await;
    for headers in [&[][..], &[("x-goog-iap-jwt-assertion", "nobodys-token")]] {
        let status = call(&server, headers).await.unwrap_err();
        assert_eq!(status.code(), tonic::Code::Unauthenticated);
        assert!(status.metadata().get("www-authenticate").is_none(), "{status:?}");
    }
    let status = call(&serve_guarded(ByToken::default()).await, &[]).await.unwrap_err();
    assert!(status.metadata().get("www-authenticate").is_some(), "{status:?}");
}

#[tokio::test]
async fn password_follows_its_grammar() {
    assert_outcomes_with_and_without_guard!(ByPassword, PASSWORD_CASES);
}

#[tokio::test]
async fn api_key_follows_its_grammar() {
    assert_outcomes_with_and_without_guard!(ByKey, KEY_CASES);
}

#[tokio::test]
async fn two_credentials_in_one_call_are_rejected() {
    assert_outcomes_with_and_without_guard!(ByAny, ANY_CASES);
}

#[tokio::test]
async fn control_bytes_and_capital_header_names_are_rejected() {
    for with_guard in [true, false] {
        let service = ByToken::default();
        let ran = service.ran.clone();
        let server = match with_guard {
            true => serve_guarded(service).await,
            false => serve_without_guard(service).await,
        };
        let bad: [(&[u8], &[u8]); 6] = [
            (b"authorization", b"Bearer ada-token\0"),
            (b"authorization", b"Bearer ada-token\r\nx: y"),
            (b"authorization", b"Bearer ada-token\n"),
            (b"authorization", b"\0Bearer ada-token"),
            (b"authorization", b"Bearer\x7fada-token"),
            (b"Authorization", b"Bearer ada-token"),
        ];
        for header in bad {
            let frames =
                frames::send(&server, &frames::head(UNARY, &[header]), &framed(&note(""))).await;
            assert!(!frames.is_empty(), "the call hangs: {header:?}");
            assert_eq!(ran.times(), 0, "{header:?} is admitted");
        }
        let good: (&[u8], &[u8]) = (b"authorization", b"Bearer ada-token");
        let frames = frames::send(&server, &frames::head(UNARY, &[good]), &framed(&note(""))).await;
        assert_eq!(frames.first().map(|frame| frame.kind), Some(HEADERS));
        assert_eq!(ran.times(), 1);
    }
}

#[tokio::test]
async fn token_of_one_mebibyte_is_rejected_and_the_server_keeps_working() {
    let mut long = b"Bearer ".to_vec();
    long.resize(1 << 20, b'.');
    let service = ByToken::default();
    let ran = service.ran.clone();
    // By default HTTP/2 itself rejects such a header list. A server may allow it.
    let strict = serve_guarded(service).await;
    let roomy = Server::builder().http2_max_header_list_size(Some(2 << 20)).add_service(guard(
        ByToken { ran: ran.clone(), ..Default::default() },
        ExtraServer::from_arc,
    ));
    let roomy = Running::start(roomy).await;
    for (server, allowed) in [(&strict, false), (&roomy, true)] {
        let mut h2 = H2::connect(server).await;
        let answer = h2.send(h2.request(UNARY, &[("authorization", &long)], one_note())).await;
        if allowed {
            assert_eq!(reason(&answer.unwrap().status()), "CREDENTIALS_MALFORMED");
        } else {
            assert!(answer.is_err() || answer.unwrap().http.is_client_error());
        }
        assert_eq!(ran.times(), 0);
    }
    for (before, server) in [&strict, &roomy].into_iter().enumerate() {
        let mut h2 = H2::connect(server).await;
        let answer = h2.send(h2.request(UNARY, &[GOOD], one_note())).await.unwrap();
        assert_eq!(answer.status().code(), tonic::Code::Ok);
        assert_eq!(ran.times(), before + 1);
    }
}
