//! What is left to rustls, and what a call has of it.

use rcgen::{BasicConstraints, IsCa};

use crate::support::{ByName, Ca, Client, Doors, Identity, Server, client, dns};

#[tokio::test]
async fn only_a_certificate_of_the_ca_gets_in() {
    for doors in [Doors::Both, Doors::Own] {
        for optional in [false, true] {
            let (ca, other) = (Ca::new(), Ca::new());
            let server = Server::start(doors, &ca, optional, ByName::verifier()).await;
            let known = ca.client([dns("acme.example")]);
            let client = Client::new(&server, &ca, Some(&known));
            assert_eq!(client.certificate().await, "acme.example", "{doors:?} {optional}");

            // A certificate of another CA ends the handshake, also where none would not.
            let rogue = other.client([dns("acme.example")]);
            let client = Client::new(&server, &ca, Some(&rogue));
            assert_eq!(client.certificate().await, "no connection", "{doors:?} {optional}");

            let none = Client::new(&server, &ca, None).certificate().await;
            let expected =
                if optional { "Unauthenticated CREDENTIALS_MISSING" } else { "no connection" };
            assert_eq!(none, expected, "{doors:?} {optional}");
        }
    }
}

#[tokio::test]
async fn a_certificate_signed_by_no_ca_ends_the_handshake() {
    let ca = Ca::new();
    let server = Server::start(Doors::Both, &ca, true, ByName::verifier()).await;
    let of_itself = Identity::of_itself(&client([dns("acme.example")]));
    for identity in [of_itself, ca.below_a_client([dns("acme.example")])] {
        let client = Client::new(&server, &ca, Some(&identity));
        assert_eq!(client.certificate().await, "no connection");
    }
}

/// tonic's own TLS refuses a CA's certificate. One that doesn't leaves it to the verifier.
#[tokio::test]
async fn a_cas_certificate_is_no_callers() {
    let ca = Ca::new();
    let mut params = client([dns("acme.example")]);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let identity = ca.sign(&params);
    let server = Server::start(Doors::Both, &ca, true, ByName::verifier()).await;
    let client = Client::new(&server, &ca, Some(&identity));
    assert_eq!(client.certificate().await, "no connection");

    let server = Server::credulous(&ca, ByName::verifier()).await;
    let client = Client::new(&server, &ca, Some(&identity));
    assert_eq!(client.certificate().await, "Unauthenticated CREDENTIALS_INVALID");

    params.is_ca = IsCa::ExplicitNoCa;
    let client = Client::new(&server, &ca, Some(&ca.sign(&params)));
    assert_eq!(client.certificate().await, "acme.example");
}

#[tokio::test]
async fn a_certificate_below_an_intermediate_ca_gets_in_by_the_leaf() {
    let ca = Ca::new();
    let server = Server::start(Doors::Both, &ca, false, ByName::verifier()).await;
    let below = ca.intermediate();
    let mut identity = below.client([dns("acme.example")]);
    identity.chain.push(below.certificate());
    let client = Client::new(&server, &ca, Some(&identity));
    assert_eq!(client.certificate().await, "acme.example");
}
