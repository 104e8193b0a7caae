//! Certificates beside credentials of the call: which of them decides.

use tonic::{Request, Response, Status, transport::Channel};
use tonic_guard_verifier_tests::pb::{Name, Void, mesh_client::MeshClient};

use crate::support::{ByName, Ca, Client, Doors, Server, dns};

const MISSING: &str = "Unauthenticated CREDENTIALS_MISSING";
const MALFORMED: &str = "Unauthenticated CREDENTIALS_MALFORMED";
const OVERLOADED: &str = "Unauthenticated OVERLOADED_CREDENTIALS";
const KEY_INVALID: &str = "Unauthenticated API_KEY_INVALID";

const GOOD_KEY: (&str, &str) = ("x-api-key", "key-1");
const BAD_KEY: (&str, &str) = ("x-api-key", "key-2");
const NO_KEY: (&str, &str) = ("x-api-key", "a b");
const GOOD_TOKEN: (&str, &str) = ("authorization", "Bearer ada-token");
const BAD_TOKEN: (&str, &str) = ("authorization", "Bearer nobody");
const BASIC: (&str, &str) = ("authorization", "Basic YTpi");

#[derive(Clone, Copy, Debug)]
enum Method {
    KeyOrCertificate,
    AnyOfThree,
    KeyAndCertificate,
    MaybeCertificate,
    MaybeKeyOrCertificate,
}

impl Method {
    async fn call(
        self,
        mesh: &mut MeshClient<Channel>,
        request: Request<Void>,
    ) -> Result<Response<Name>, Status> {
        match self {
            Method::KeyOrCertificate => mesh.key_or_certificate(request).await,
            Method::AnyOfThree => mesh.any_of_three(request).await,
            Method::KeyAndCertificate => mesh.key_and_certificate(request).await,
            Method::MaybeCertificate => mesh.maybe_certificate(request).await,
            Method::MaybeKeyOrCertificate => mesh.maybe_key_or_certificate(request).await,
        }
    }
}

/// A method, the headers of a call, and what becomes of it with a certificate and without.
type Case = (Method, &'static [(&'static str, &'static str)], &'static str, &'static str);

const CASES: &[Case] = &[
    (Method::KeyOrCertificate, &[], "certificate acme", MISSING),
    // The call's own credentials decide, and bad ones aren't passed over: the certificate may be a
    // sidecar's.
    (Method::KeyOrCertificate, &[GOOD_KEY], "partner acme", "partner acme"),
    (Method::KeyOrCertificate, &[BAD_KEY], KEY_INVALID, KEY_INVALID),
    (Method::KeyOrCertificate, &[NO_KEY], MALFORMED, MALFORMED),
    (Method::KeyOrCertificate, &[GOOD_KEY, GOOD_KEY], OVERLOADED, OVERLOADED),
    // A header that no scheme of the policy reads is none of its credentials.
    (Method::KeyOrCertificate, &[GOOD_TOKEN], "certificate acme", MISSING),
    (Method::AnyOfThree, &[], "certificate acme", MISSING),
    (Method::AnyOfThree, &[GOOD_TOKEN], "user ada", "user ada"),
    (
        Method::AnyOfThree,
        &[BAD_TOKEN],
        "Unauthenticated CREDENTIALS_INVALID",
        "Unauthenticated CREDENTIALS_INVALID",
    ),
    (Method::AnyOfThree, &[GOOD_TOKEN, GOOD_KEY], OVERLOADED, OVERLOADED),
    (Method::AnyOfThree, &[GOOD_TOKEN, BAD_KEY], OVERLOADED, OVERLOADED),
    (
        Method::AnyOfThree,
        &[BASIC],
        "Unauthenticated CREDENTIAL_TYPE_UNSUPPORTED",
        "Unauthenticated CREDENTIAL_TYPE_UNSUPPORTED",
    ),
    (Method::KeyAndCertificate, &[GOOD_KEY], "partner acme on acme", MISSING),
    (Method::KeyAndCertificate, &[], MISSING, MISSING),
    (Method::KeyAndCertificate, &[BAD_KEY], KEY_INVALID, MISSING),
    (Method::MaybeCertificate, &[], "acme", "nobody"),
    (Method::MaybeCertificate, &[BAD_TOKEN], "acme", "nobody"),
    (Method::MaybeKeyOrCertificate, &[], "certificate acme", "nobody"),
    (Method::MaybeKeyOrCertificate, &[GOOD_KEY], "partner acme", "partner acme"),
    (Method::MaybeKeyOrCertificate, &[BAD_KEY], KEY_INVALID, KEY_INVALID),
    (Method::MaybeKeyOrCertificate, &[NO_KEY], MALFORMED, MALFORMED),
];

#[tokio::test]
async fn the_calls_own_credentials_decide_before_the_connections() {
    let ca = Ca::new();
    let identity = ca.client([dns("acme")]);
    for doors in [Doors::Both, Doors::Own] {
        let server = Server::start(doors, &ca, true, ByName::verifier()).await;
        let shown = Client::new(&server, &ca, Some(&identity));
        let none = Client::new(&server, &ca, None);
        for (method, headers, with, without) in CASES {
            for (client, expected) in [(&shown, with), (&none, without)] {
                let told = client
                    .call(async |mesh, request| method.call(mesh, request).await, headers)
                    .await;
                assert_eq!(told, *expected, "{doors:?} {method:?} {headers:?}");
            }
        }
    }
}

/// One that connects with a bad certificate is refused where a caller without gets in.
#[tokio::test]
async fn a_certificate_that_is_refused_does_not_become_anonymous() {
    let ca = Ca::new();
    let server = Server::start(Doors::Both, &ca, true, ByName::verifier()).await;
    let client = Client::new(&server, &ca, Some(&ca.client([])));
    for method in [Method::MaybeCertificate, Method::MaybeKeyOrCertificate] {
        let told = client.call(async |mesh, request| method.call(mesh, request).await, &[]).await;
        assert_eq!(told, "Unauthenticated CREDENTIALS_INVALID", "{method:?}");
    }
}
