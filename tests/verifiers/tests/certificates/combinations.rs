//! Certificates together with credentials of the call: the credentials that decide.

use tonic::{Request, Response, Status, transport::Channel};
use tonic_guard::api_keys::GeneratedKey;
use tonic_guard_verifier_tests::pb::{Name, Void, mesh_client::MeshClient};

use crate::support::{ByName, Ca, Checks, Client, PROVIDERS, Server, dns};

const MISSING: &str = "Unauthenticated CREDENTIALS_MISSING";
const MALFORMED: &str = "Unauthenticated CREDENTIALS_MALFORMED";
const OVERLOADED: &str = "Unauthenticated OVERLOADED_CREDENTIALS";
const EXPIRED: &str = "Unauthenticated ACCESS_TOKEN_EXPIRED";
const UNSUPPORTED: &str = "Unauthenticated CREDENTIAL_TYPE_UNSUPPORTED";
const KEY_INVALID: &str = "Unauthenticated API_KEY_INVALID";

#[derive(Clone, Copy, Debug)]
enum Header {
    Key,
    /// A key that was never issued.
    UnknownKey,
    /// None by its shape.
    MalformedKey,
    Token,
    /// One that has expired.
    OldToken,
    /// None by its shape.
    MalformedToken,
    Basic,
}

use Header::{Basic, Key, MalformedKey, MalformedToken, OldToken, Token, UnknownKey};

impl Header {
    fn line(self) -> (&'static str, String) {
        match self {
            Key => ("x-api-key", PROVIDERS.key().to_owned()),
            UnknownKey => ("x-api-key", GeneratedKey::new("acme_test").unwrap().key().to_owned()),
            MalformedKey => ("x-api-key", "a b".into()),
            Token => ("authorization", format!("Bearer {}", PROVIDERS.token())),
            OldToken => ("authorization", format!("Bearer {}", PROVIDERS.old_token())),
            MalformedToken => ("authorization", "Bearer".into()),
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

/// A method, the headers of a call, and its outcome with and without a certificate.
type Case = (Method, &'static [Header], &'static str, &'static str);

const CASES: &[Case] = &[
    (Method::KeyOrCertificate, &[], "certificate acme", MISSING),
    // The credentials of the call decide, and bad ones aren't skipped, because the certificate may
    // be a sidecar's.
    (Method::KeyOrCertificate, &[Key], "partner acme", "partner acme"),
    (Method::KeyOrCertificate, &[UnknownKey], KEY_INVALID, KEY_INVALID),
    (Method::KeyOrCertificate, &[MalformedKey], MALFORMED, MALFORMED),
    (Method::KeyOrCertificate, &[Key, Key], OVERLOADED, OVERLOADED),
    // A header that no scheme of the policy reads is ignored.
    (Method::KeyOrCertificate, &[Token], "certificate acme", MISSING),
    (Method::AnyOfThree, &[], "certificate acme", MISSING),
    (Method::AnyOfThree, &[Token], "user ada", "user ada"),
    (Method::AnyOfThree, &[OldToken], EXPIRED, EXPIRED),
    (Method::AnyOfThree, &[MalformedToken], MALFORMED, MALFORMED),
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
    (Method::MaybeKeyOrCertificate, &[MalformedKey], MALFORMED, MALFORMED),
];

#[tokio::test]
async fn credentials_of_the_call_take_precedence_over_the_certificate() {
    let ca = Ca::new();
    let identity = ca.client([dns("acme")]);
    for checks in [Checks::Guard, Checks::HandlerCheck] {
        let server = Server::start(checks, &ca, true, ByName::verifier()).await;
        let with_certificate = Client::new(&server, &ca, Some(&identity));
        let without_certificate = Client::new(&server, &ca, None);
        for (method, headers, with, without) in CASES {
            let lines: Vec<_> = headers.iter().map(|header| header.line()).collect();
            let lines: Vec<_> = lines.iter().map(|(name, value)| (*name, value.as_str())).collect();
            for (client, expected) in [(&with_certificate, with), (&without_certificate, without)] {
                let outcome = client
                    .call(async |mesh, request| method.call(mesh, request).await, &lines)
                    .await;
                assert_eq!(outcome, *expected, "{checks:?} {method:?} {headers:?}");
            }
        }
    }
}

/// A caller with a bad certificate is rejected where a caller without one is admitted.
#[tokio::test]
async fn rejected_certificate_does_not_become_anonymous() {
    let ca = Ca::new();
    let server = Server::start(Checks::Guard, &ca, true, ByName::verifier()).await;
    let client = Client::new(&server, &ca, Some(&ca.client([])));
    for method in [Method::MaybeCertificate, Method::MaybeKeyOrCertificate] {
        let outcome =
            client.call(async |mesh, request| method.call(mesh, request).await, &[]).await;
        assert_eq!(outcome, "Unauthenticated CREDENTIALS_INVALID", "{method:?}");
    }
}
