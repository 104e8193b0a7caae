//! The credentials that are attached to a call.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use tokio_stream::StreamExt;
use tonic::{Code, Request, body::Body};
use tonic_guard::{
    client::{CallCredentials, CallErrorKind, CallOptions, Credential, Token},
    scheme::ApiKey,
};
use tonic_guard_client_tests::{Guarded, success};
use tonic_guard_suite_support::{pb::kinds_client::KindsClient, reason, request, within};
use tower_layer::Layer;
use tower_service::Service;

use crate::{kind, note, with_options};

#[tokio::test]
async fn bearer_tokens_keys_and_passwords_are_admitted() {
    let server = Guarded::start().await;
    let token = server.issuer.issue();
    for credentials in [
        CallCredentials::bearer(Token::new(token.as_str())),
        CallCredentials::api_key(ApiKey::new(), Token::new(token.as_str())),
        CallCredentials::basic("ada", Token::new(token.as_str())),
    ] {
        let answer = within("the call", server.client(&credentials).unary(note("hi"))).await;
        assert_eq!(answer.unwrap().into_inner().text, "hi", "{credentials:?}");
    }
    assert_eq!(server.attempts.header("x-api-key"), [token]);
}

#[tokio::test]
async fn wrong_tokens_keys_and_passwords_are_rejected() {
    let server = Guarded::start().await;
    for (credentials, expected) in [
        (CallCredentials::bearer(Token::new("wrong")), "CREDENTIALS_INVALID"),
        (CallCredentials::api_key(ApiKey::new(), Token::new("wrong")), "API_KEY_INVALID"),
        (CallCredentials::basic("ada", Token::new("wrong")), "CREDENTIALS_INVALID"),
    ] {
        let answer = within("the call", server.client(&credentials).unary(note("hi"))).await;
        let status = answer.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::Unauthenticated, expected));
    }
}

#[tokio::test]
async fn all_kinds_of_calls_carry_credentials() {
    let server = Guarded::start().await;
    let mut client = server.client(&CallCredentials::bearer(server.source()));
    let notes = || tokio_stream::iter([note("a"), note("b")]);

    assert_eq!(client.unary(note("a")).await.unwrap().into_inner().text, "a");
    let down = client.down(note("a")).await.unwrap().into_inner();
    assert_eq!(down.map(|note| note.unwrap().text).collect::<Vec<_>>().await, ["a", "a", "a"]);
    assert_eq!(client.up(notes()).await.unwrap().into_inner().text, "a,b 0");
    let both = client.both(notes()).await.unwrap().into_inner();
    assert_eq!(both.map(|note| note.unwrap().text).collect::<Vec<_>>().await, ["a", "b"]);
    assert_eq!(server.attempts.tokens(), ["Bearer token-1"; 4]);
}

#[tokio::test]
async fn credentials_in_the_request_are_a_conflict() {
    let server = Guarded::start().await;
    let own = || request(note("hi"), &[("authorization", "Bearer own")]);
    for credentials in [
        CallCredentials::bearer(server.source()),
        CallCredentials::api_key(ApiKey::new(), server.source()),
    ] {
        let status = server.client(&credentials).unary(own()).await.unwrap_err();
        assert_eq!(kind(&status), Some(CallErrorKind::ConflictingCredentials));
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(!format!("{status} {status:?}").contains("own\""), "{status:?}");
    }
    let keys = CallCredentials::api_key(ApiKey::new(), server.source());
    let own_key = request(note("hi"), &[("x-api-key", "own")]);
    let status = server.client(&keys).unary(own_key).await.unwrap_err();
    assert_eq!(kind(&status), Some(CallErrorKind::ConflictingCredentials));
    let other = CallOptions::new().credential(Credential::bearer("other").unwrap());
    let mut both = own();
    both.extensions_mut().insert(other);
    let status = server.client(&keys).unary(both).await.unwrap_err();
    assert_eq!(kind(&status), Some(CallErrorKind::ConflictingCredentials));
    assert_eq!(server.attempts.count(), 0, "nothing was sent");
}

#[tokio::test]
async fn call_options_resolve_the_conflict() {
    let server = Guarded::start().await;
    let credentials = CallCredentials::bearer(server.source());
    let mut client = server.client(&credentials);
    let own = || request(note("hi"), &[("authorization", "Bearer own")]);

    let mut replaced = own();
    replaced.extensions_mut().insert(CallOptions::new().replace_request_credentials());
    client.unary(replaced).await.unwrap();

    let mut unchanged = own();
    unchanged.extensions_mut().insert(CallOptions::new().without_credentials());
    client.unary(unchanged).await.unwrap_err();

    assert_eq!(server.attempts.tokens(), ["Bearer token-1", "Bearer own"]);
}

#[tokio::test]
async fn replaced_credentials_are_removed_from_the_request() {
    let server = Guarded::start().await;
    let mut client = server.client(&CallCredentials::api_key(ApiKey::new(), server.source()));
    let own = [("authorization", "Bearer own"), ("x-api-key", "a"), ("x-api-key", "b")];
    let mut request = request(note("hi"), &own);
    request.extensions_mut().insert(CallOptions::new().replace_request_credentials());
    client.unary(request).await.unwrap();
    assert_eq!(server.attempts.tokens(), [""; 0]);
    assert_eq!(server.attempts.header("x-api-key"), ["token-1"]);
}

#[tokio::test]
async fn call_without_credentials_carries_none_and_is_not_retried() {
    let server = Guarded::start().await;
    let source = server.source();
    let mut client = server.client(&CallCredentials::bearer(source.clone()));
    let options = CallOptions::new().without_credentials();
    let status = client.unary(with_options(note("hi"), options)).await.unwrap_err();
    assert_eq!((reason(&status).as_str(), kind(&status)), ("CREDENTIALS_MISSING", None));
    assert_eq!((server.attempts.count(), source.fetches()), (1, 0));
}

#[tokio::test]
async fn credentials_of_the_call_options_decide() {
    let server = Guarded::start().await;
    let source = server.source();
    let mut client = server.client(&CallCredentials::bearer(source.clone()));
    let good = Credential::bearer(&server.issuer.issue()).unwrap();
    let options = CallOptions::new().credential(good);
    client.unary(with_options(note("hi"), options)).await.unwrap();

    let options = CallOptions::new().credential(Credential::bearer("wrong").unwrap());
    let status = client.unary(with_options(note("hi"), options)).await.unwrap_err();
    assert_eq!((reason(&status).as_str(), kind(&status)), ("CREDENTIALS_INVALID", None));
    assert_eq!((server.attempts.count(), source.fetches()), (2, 0), "the source isn't used");
}

/// A service that keeps its last request and answers.
#[derive(Clone, Default)]
struct Keeps(Arc<Mutex<Option<http::Request<Body>>>>);

impl Service<http::Request<Body>> for Keeps {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = std::future::Ready<Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        *self.0.lock().unwrap() = Some(request);
        std::future::ready(Ok(success()))
    }
}

#[tokio::test]
async fn debug_of_a_request_hides_its_credentials() {
    let keeps = Keeps::default();
    let own = || request(note("hi"), &[("authorization", "Bearer s3cret")]);
    let bearer = CallCredentials::bearer(Token::new("s3cret"));
    let mut unchanged = own();
    unchanged.extensions_mut().insert(CallOptions::new().without_credentials());
    for (credentials, request) in [
        (bearer.clone(), Request::new(note("hi"))),
        (CallCredentials::api_key(ApiKey::new(), Token::new("s3cret")), Request::new(note("hi"))),
        (CallCredentials::basic("ada", Token::new("s3cret")), Request::new(note("hi"))),
        (bearer, unchanged),
    ] {
        let layered = credentials.dangerously_layer().layer(keeps.clone());
        let printed = format!("{layered:?} {credentials:?}");
        KindsClient::new(layered).unary(request).await.unwrap();
        let request = keeps.0.lock().unwrap().take().unwrap();
        let headers = ["authorization", "x-api-key"].map(|name| request.headers().get(name));
        let mut values = headers.into_iter().flatten();
        assert!(values.next().unwrap().is_sensitive() && values.next().is_none());
        let printed = format!("{printed} {:?}", request.headers());
        assert!(!printed.contains("s3cret") && !printed.contains("YWRhOnMzY3JldA"), "{printed}");
    }
}

impl std::fmt::Debug for Keeps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keeps")
    }
}
