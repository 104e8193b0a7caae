//! The checks that rustls does, and their effect on a call.

use rcgen::{BasicConstraints, IsCa};

use crate::support::{ByName, Ca, Checks, Client, Identity, Server, client, dns};

#[tokio::test]
async fn only_certificates_of_the_ca_are_admitted() {
    for checks in [Checks::Guard, Checks::HandlerCheck] {
        for optional in [false, true] {
            let (ca, other) = (Ca::new(), Ca::new());
            let server = Server::start(checks, &ca, optional, ByName::verifier()).await;
            let known = ca.client([dns("acme.example")]);
            let client = Client::new(&server, &ca, Some(&known));
            assert_eq!(client.certificate().await, "acme.example", "{checks:?} {optional}");

            // A certificate of another CA ends the handshake, even if no certificate would be
            // accepted.
            let rogue = other.client([dns("acme.example")]);
            let client = Client::new(&server, &ca, Some(&rogue));
            assert_eq!(client.certificate().await, "no connection", "{checks:?} {optional}");

            let none = Client::new(&server, &ca, None).certificate().await;
            let expected =
                if optional { "Unauthenticated CREDENTIALS_MISSING" } else { "no connection" };
            assert_eq!(none, expected, "{checks:?} {optional}");
        }
    }
}

#[tokio::test]
async fn certificate_not_signed_by_a_ca_ends_the_handshake() {
    let ca = Ca::new();
    let server = Server::start(Checks::Guard, &ca, true, ByName::verifier()).await;
    let self_signed = Identity::self_signed(&client([dns("acme.example")]));
    for identity in [self_signed, ca.below_a_client([dns("acme.example")])] {
        let client = Client::new(&server, &ca, Some(&identity));
        assert_eq!(client.certificate().await, "no connection");
    }
}

/// tonic's TLS rejects a CA's certificate. Another TLS may leave it to the verifier.
#[tokio::test]
async fn ca_certificate_is_rejected_as_a_callers() {
    let ca = Ca::new();
    let mut params = client([dns("acme.example")]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let identity = ca.sign(&params);
    let server = Server::start(Checks::Guard, &ca, true, ByName::verifier()).await;
    let client = Client::new(&server, &ca, Some(&identity));
    assert_eq!(client.certificate().await, "no connection");

    let server = Server::lax(&ca, ByName::verifier()).await;
    let client = Client::new(&server, &ca, Some(&identity));
    assert_eq!(client.certificate().await, "Unauthenticated CREDENTIALS_INVALID");

    params.is_ca = IsCa::ExplicitNoCa;
    let client = Client::new(&server, &ca, Some(&ca.sign(&params)));
    assert_eq!(client.certificate().await, "acme.example");
}

#[tokio::test]
async fn certificate_of_an_intermediate_ca_is_admitted() {
    let ca = Ca::new();
    let server = Server::start(Checks::Guard, &ca, false, ByName::verifier()).await;
    let below = ca.intermediate();
    let mut identity = below.client([dns("acme.example")]);
    identity.chain.push(below.certificate());
    let client = Client::new(&server, &ca, Some(&identity));
    assert_eq!(client.certificate().await, "acme.example");
}
