//! A certificate's validity is checked on every call, also on open connections and resumed
//! sessions.

use std::time::{Duration, Instant, SystemTime};

use crate::support::{ByName, Ca, Checks, Client, HandshakeKind, Identity, Server, client, dns};

const EXPIRED: &str = "Unauthenticated ACCESS_TOKEN_EXPIRED";
const LIMIT: Duration = Duration::from_secs(120);

/// The validities to try: on a busy machine, a short one ends before the connection is made.
const VALIDITIES: [Duration; 3] =
    [Duration::from_secs(2), Duration::from_secs(8), Duration::from_secs(30)];

fn ending(ca: &Ca, validity: Duration) -> Identity {
    let mut params = client([dns("acme.example")]);
    params.not_before = (SystemTime::now() - Duration::from_secs(60)).into();
    params.not_after = (SystemTime::now() + validity).into();
    ca.sign(&params)
}

#[tokio::test]
async fn expired_certificate_is_rejected_on_an_open_connection() {
    for checks in [Checks::Guard, Checks::HandlerCheck] {
        let ca = Ca::new();
        let server = Server::start(checks, &ca, false, ByName::verifier()).await;
        let mut open = None;
        for validity in VALIDITIES {
            let client = Client::new(&server, &ca, Some(&ending(&ca, validity)));
            let Some(mut connection) = client.connect().await else { continue };
            if connection.certificate().await == "acme.example" {
                open = Some((connection, validity));
                break;
            }
        }
        let (mut connection, validity) = open.expect("a call within the certificate's validity");
        let began = Instant::now();
        loop {
            match connection.certificate().await.as_str() {
                EXPIRED => break,
                "acme.example" => {
                    // The last second is still valid.
                    let late = validity + Duration::from_secs(2);
                    assert!(began.elapsed() < late, "{checks:?}: it is admitted after its end");
                }
                other => panic!("{checks:?}: {other}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // The connection itself still works.
        assert!(connection.mesh.open(tonic_guard_verifier_tests::pb::Void {}).await.is_ok());
    }
}

#[tokio::test]
async fn expired_certificate_is_rejected_in_a_resumed_session() {
    let ca = Ca::new();
    let server = Server::start(Checks::Guard, &ca, false, ByName::verifier()).await;
    let mut resumed_in_time = false;
    let mut known = None;
    for validity in VALIDITIES {
        let client = Client::new(&server, &ca, Some(&ending(&ca, validity)));
        let Some(mut first) = client.connect().await else { continue };
        assert_eq!(first.kind, HandshakeKind::Full);
        if first.certificate().await != "acme.example" {
            continue;
        }
        // While the certificate is valid, a resumed session carries it.
        if let Some(mut second) = client.connect().await {
            assert_eq!(second.kind, HandshakeKind::Resumed);
            resumed_in_time |= second.certificate().await == "acme.example";
        }
        known = Some(client);
        if resumed_in_time {
            break;
        }
    }
    assert!(resumed_in_time, "no session was resumed within a certificate's validity");
    let client = known.unwrap();
    let deadline = Instant::now() + LIMIT;
    loop {
        let mut connection = client.connect().await.expect("rustls accepts a known session");
        assert_eq!(connection.kind, HandshakeKind::Resumed);
        match connection.certificate().await.as_str() {
            EXPIRED => break,
            "acme.example" => assert!(Instant::now() < deadline, "it is admitted after its end"),
            other => panic!("{other}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// tonic's TLS checks the dates in the handshake. Another TLS may leave them to the verifier.
#[tokio::test]
async fn certificate_outside_its_validity_is_rejected() {
    let ca = Ca::new();
    let strict = Server::start(Checks::Guard, &ca, false, ByName::verifier()).await;
    let lax = Server::lax(&ca, ByName::verifier()).await;
    let hour = Duration::from_secs(3600);
    let now = SystemTime::now();
    for (from, to, expected) in [
        (now - hour, now + hour, "acme.example"),
        (now - 2 * hour, now - hour, EXPIRED),
        (now + hour, now + 2 * hour, "Unauthenticated CREDENTIALS_INVALID"),
        // An inverted period.
        (now + hour, now - hour, "Unauthenticated CREDENTIALS_INVALID"),
    ] {
        let mut params = client([dns("acme.example")]);
        (params.not_before, params.not_after) = (from.into(), to.into());
        let identity = ca.sign(&params);
        let outcome = Client::new(&lax, &ca, Some(&identity)).certificate().await;
        assert_eq!(outcome, expected);
        let outcome = Client::new(&strict, &ca, Some(&identity)).certificate().await;
        assert_eq!(outcome, if expected == "acme.example" { expected } else { "no connection" });
    }
}
