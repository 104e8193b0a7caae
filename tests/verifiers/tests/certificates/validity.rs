//! A certificate's dates hold on every call, whatever the connection is from.

use std::time::{Duration, Instant, SystemTime};

use crate::support::{ByName, Ca, Client, Doors, HandshakeKind, Identity, Server, client, dns};

const EXPIRED: &str = "Unauthenticated ACCESS_TOKEN_EXPIRED";
const LIMIT: Duration = Duration::from_secs(120);

/// The validities to try: a machine that is busy makes a connection only after a short one has ended.
const VALIDITIES: [Duration; 3] =
    [Duration::from_secs(2), Duration::from_secs(8), Duration::from_secs(30)];

fn ending(ca: &Ca, validity: Duration) -> Identity {
    let mut params = client([dns("acme.example")]);
    params.not_before = (SystemTime::now() - Duration::from_secs(60)).into();
    params.not_after = (SystemTime::now() + validity).into();
    ca.sign(&params)
}

#[tokio::test]
async fn an_open_connection_ends_with_its_certificate() {
    for doors in [Doors::Both, Doors::Own] {
        let ca = Ca::new();
        let server = Server::start(doors, &ca, false, ByName::verifier()).await;
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
                    // Its last second is within.
                    let late = validity + Duration::from_secs(2);
                    assert!(began.elapsed() < late, "{doors:?}: it gets in after its end");
                }
                other => panic!("{doors:?}: {other}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // The connection itself is well.
        assert!(connection.mesh.open(tonic_guard_verifier_tests::pb::Void {}).await.is_ok());
    }
}

#[tokio::test]
async fn a_resumed_session_ends_with_its_certificate() {
    let ca = Ca::new();
    let server = Server::start(Doors::Both, &ca, false, ByName::verifier()).await;
    let mut resumed_in_time = false;
    let mut known = None;
    for validity in VALIDITIES {
        let client = Client::new(&server, &ca, Some(&ending(&ca, validity)));
        let Some(mut first) = client.connect().await else { continue };
        assert_eq!(first.kind, HandshakeKind::Full);
        if first.certificate().await != "acme.example" {
            continue;
        }
        // While it holds, a resumed session carries the certificate.
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
        let mut connection = client.connect().await.expect("rustls takes a session that it knows");
        assert_eq!(connection.kind, HandshakeKind::Resumed);
        match connection.certificate().await.as_str() {
            EXPIRED => break,
            "acme.example" => assert!(Instant::now() < deadline, "it gets in after its end"),
            other => panic!("{other}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// tonic's own TLS looks at the dates in the handshake. One that doesn't leaves it to the verifier.
#[tokio::test]
async fn outside_its_dates_a_certificate_is_refused() {
    let ca = Ca::new();
    let strict = Server::start(Doors::Both, &ca, false, ByName::verifier()).await;
    let credulous = Server::credulous(&ca, ByName::verifier()).await;
    let hour = Duration::from_secs(3600);
    let now = SystemTime::now();
    for (from, to, expected) in [
        (now - hour, now + hour, "acme.example"),
        (now - 2 * hour, now - hour, EXPIRED),
        (now + hour, now + 2 * hour, "Unauthenticated CREDENTIALS_INVALID"),
        // A period that is none.
        (now + hour, now - hour, "Unauthenticated CREDENTIALS_INVALID"),
    ] {
        let mut params = client([dns("acme.example")]);
        (params.not_before, params.not_after) = (from.into(), to.into());
        let identity = ca.sign(&params);
        let told = Client::new(&credulous, &ca, Some(&identity)).certificate().await;
        assert_eq!(told, expected);
        let told = Client::new(&strict, &ca, Some(&identity)).certificate().await;
        assert_eq!(told, if expected == "acme.example" { expected } else { "no connection" });
    }
}
