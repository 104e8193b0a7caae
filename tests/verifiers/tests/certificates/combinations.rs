//! Certificates beside credentials of the call: which of them decides.

use tonic::{Request, Response, Status, transport::Channel};
use tonic_guard::api_keys::GeneratedKey;
use tonic_guard_verifier_tests::pb::{Name, Void, mesh_client::MeshClient};

use crate::support::{ByName, Ca, Client, Doors, PROVIDERS, Server, dns};

const MISSING: &str = "Unauthenticated CREDENTIALS_MISSING";
const MALFORMED: &str = "Unauthenticated CREDENTIALS_MALFORMED";
const OVERLOADED: &str = "Unauthenticated OVERLOADED_CREDENTIALS";
const EXPIRED: &str = "Unauthenticated ACCESS_TOKEN_EXPIRED";
const UNSUPPORTED: &str = "Unauthenticated CREDENTIAL_TYPE_UNSUPPORTED";
const KEY_INVALID: &str = "Unauthenticated API_KEY_INVALID";

#[derive(Clone, Copy, Debug)]
enum Header {
    Key,
    /// A key that nobody has.
    UnknownKey,
    /// None by its shape.
    NoKey,
    Token,
    /// One that has expired.
    OldToken,
    /// None by its shape.
    NoToken,
    Basic,
}

use Header::{Basic, Key, NoKey, NoToken, OldToken, Token, UnknownKey};

impl Header {
    fn line(self) -> (&'static str, String) {
        match self {
            Key => ("x-api-key", PROVIDERS.key().to_owned()),
            UnknownKey => ("x-api-key", GeneratedKey::new("acme_test").unwrap().key().to_owned()),
            NoKey => ("x-api-key", "a b".into()),
            Token => ("authorization", format!("Bearer {}", PROVIDERS.token())),
            OldToken => ("authorization", format!("Bearer {}", PROVIDERS.old_token())),
            NoToken => ("authorization", "Bearer".into()),
            Basic => ("authorization", "Basic YTpi".into()),
        }
    }
}

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
type Case = (Method, &'static [Header], &'static str, &'static str);

const CASES: &[Case] = &[
    (Method::KeyOrCertificate, &[], "certificate acme", MISSING),
    // The call's own credentials decide, and bad ones aren't passed over: the certificate may be a
    // sidecar's.
    (Method::KeyOrCertificate, &[Key], "partner acme", "partner acme"),
    (Method::KeyOrCertificate, &[UnknownKey], KEY_INVALID, KEY_INVALID),
    (Method::KeyOrCertificate, &[NoKey], MALFORMED, MALFORMED),
    (Method::KeyOrCertificate, &[Key, Key], OVERLOADED, OVERLOADED),
    // A header that no scheme of the policy reads is none of its credentials.
    (Method::KeyOrCertificate, &[Token], "certificate acme", MISSING),
    (Method::AnyOfThree, &[], "certificate acme", MISSING),
    (Method::AnyOfThree, &[Token], "user ada", "user ada"),
    (Method::AnyOfThree, &[OldToken], EXPIRED, EXPIRED),
    (Method::AnyOfThree, &[NoToken], MALFORMED, MALFORMED),
    (Method::AnyOfThree, &[UnknownKey], KEY_INVALID, KEY_INVALID),
    (Method::AnyOfThree, &[Token, Key], OVERLOADED, OVERLOADED),
    (Method::AnyOfThree, &[Token, UnknownKey], OVERLOADED, OVERLOADED),
    (Method::AnyOfThree, &[Basic], UNSUPPORTED, UNSUPPORTED),
    (Method::KeyAndCertificate, &[Key], "partner acme on acme", MISSING),
    (Method::KeyAndCertificate, &[], MISSING, MISSING),
    (Method::KeyAndCertificate, &[UnknownKey], KEY_INVALID, MISSING),
    (Method::MaybeCertificate, &[], "acme", "nobody"),
    (Method::MaybeCertificate, &[OldToken], "acme", "nobody"),
    (Method::MaybeKeyOrCertificate, &[], "certificate acme", "nobody"),
    (Method::MaybeKeyOrCertificate, &[Key], "partner acme", "partner acme"),
    (Method::MaybeKeyOrCertificate, &[UnknownKey], KEY_INVALID, KEY_INVALID),
    (Method::MaybeKeyOrCertificate, &[NoKey], MALFORMED, MALFORMED),
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
            let lines: Vec<_> = headers.iter().map(|header| header.line()).collect();
            let lines: Vec<_> = lines.iter().map(|(name, value)| (*name, value.as_str())).collect();
            for (client, expected) in [(&shown, with), (&none, without)] {
                let told = client
                    .call(async |mesh, request| method.call(mesh, request).await, &lines)
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
