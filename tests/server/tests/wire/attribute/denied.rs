//! `#[denied(reason = "..")]`: nobody may call the method.

#![deny(warnings)]

use std::sync::Arc;

use tonic::{Code, Request, Response, Status, transport::Server};
use tonic_guard::{
    AuthError, Authenticate, Authenticated, authenticated, denied, guard, guard_arc, in_process,
    policy_of,
    scheme::{Bearer, BearerToken},
};
use tonic_guard_suite_support::{
    Running, User, error_info,
    pb::{
        Note,
        extra_server::{Extra, ExtraServer},
        kinds_client::KindsClient,
        kinds_server::{Kinds, KindsServer},
    },
    request,
};

use crate::support::service::{ADA, Ran, call, call_get_url, note, says};

/// Counts the tokens that it verifies, and accepts each.
#[derive(Clone, Default)]
struct Service {
    verified: Ran,
    ran: Ran,
}

impl Authenticate<Bearer> for Service {
    type Identity = User;

    async fn authenticate(&self, _: BearerToken) -> Result<Authenticated<User>, AuthError> {
        self.verified.once();
        Ok(user().into())
    }
}

fn user() -> User {
    User { name: "ada".into(), scopes: "read write" }
}

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Extra for Service {
    #[denied(reason = "moved | to v2", rpc = "Unary")]
    async fn unary(&self, request: Request<Note>) -> Result<Response<Note>, Status> {
        self.ran.once();
        if request.get_ref().text.is_empty() {
            return says("");
        }
        says(request.into_inner().text)
    }

    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("in")
    }
}

async fn served(with_guard: bool, service: Service) -> Running {
    let mut server = Server::builder();
    Running::start(match with_guard {
        true => server.add_service(guard(service, ExtraServer::from_arc)),
        false => server.add_service(ExtraServer::new(service)),
    })
    .await
}

#[tokio::test]
async fn every_call_is_rejected_before_its_credentials_are_read() {
    for with_guard in [true, false] {
        let service = Service::default();
        let server = served(with_guard, service.clone()).await;
        for headers in [&[][..], &[ADA], &[ADA, ADA], &[("authorization", "Bearer a b")]] {
            let rejected = call(&server, headers).await.unwrap_err();
            assert_eq!(rejected.code(), Code::PermissionDenied, "{headers:?}");
            let (reason, domain, info) = error_info(&rejected).unwrap();
            assert_eq!((&*reason, &*domain), ("PERMISSION_DENIED", "tonic-guard"));
            assert_eq!(info.contains_key("method"), with_guard);
            assert!(!info.contains_key("scheme"), "{info:?}");
            assert!(rejected.metadata().get("www-authenticate").is_none());
            let sent = format!("{rejected:?}");
            assert!(!sent.contains("moved"), "the reason is for reviewers: {sent}");
        }
        assert_eq!((service.verified.times(), service.ran.times()), (0, 0));
        assert_eq!(call_get_url(&server, &[ADA]).await.unwrap(), "in");
        assert_eq!(service.verified.times(), 1);
    }
}

#[tokio::test]
async fn an_injected_identity_is_rejected_too() {
    let service = Service::default();
    let mut request = Request::new(note(""));
    in_process::call_as(user(), &mut request);
    let rejected = Extra::unary(&service, request).await.unwrap_err();
    assert_eq!(rejected.code(), Code::PermissionDenied);
    assert_eq!(service.ran.times(), 0);

    let mut request = Request::new(note(""));
    in_process::call_as(user(), &mut request);
    assert!(service.get_url(request).await.is_ok());
}

#[test]
fn the_table_shows_denied_and_the_reason() {
    let policy = policy_of(ExtraServer::<Service>::from_arc);
    let text = policy.to_string();
    let words: Vec<_> = text.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(words, ["guard.test.v1.Extra/Unary", "DENIED", "moved", "|", "to", "v2"]);
    let markdown = policy.to_markdown();
    assert!(markdown.contains("/Unary | DENIED |  |  | moved \\| to v2 |"), "{markdown}");
    let json = policy.to_json();
    assert!(json.contains(r#""access": "denied", "reason": "moved | to v2""#), "{json}");
}

type Nothing = tokio_stream::Empty<Result<Note, Status>>;

/// Attributes on single methods, which `async_trait` has rewritten before they expand.
#[tonic::async_trait]
impl Kinds for Service {
    #[denied(reason = "an empty body")]
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {}

    type DownStream = Nothing;

    #[denied(reason = "a body that would panic")]
    async fn down(&self, _: Request<Note>) -> Result<Response<Nothing>, Status> {
        unimplemented!()
    }

    #[denied(reason = "a body that would run")]
    async fn up(&self, _: Request<tonic::Streaming<Note>>) -> Result<Response<Note>, Status> {
        self.ran.once();
        let answer = says("ran")?;
        Ok(answer)
    }

    type BothStream = Nothing;

    #[authenticated(scheme = "bearer")]
    async fn both(&self, _: Request<tonic::Streaming<Note>>) -> Result<Response<Nothing>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }
}

#[tokio::test]
async fn single_methods_of_a_plain_impl_are_denied() {
    let service = Service::default();
    let kinds = KindsServer::from_arc(Arc::new(service.clone()));
    let server = Running::start(Server::builder().add_service(kinds)).await;
    let mut client = KindsClient::new(server.channel().await);
    let one = || request(note(""), &[ADA]);
    let many = || request(tokio_stream::iter([note("")]), &[ADA]);
    let denied = [
        client.unary(one()).await.unwrap_err(),
        client.down(one()).await.unwrap_err(),
        client.up(many()).await.unwrap_err(),
    ];
    assert_eq!(denied.map(|status| status.code()), [Code::PermissionDenied; 3]);
    assert_eq!((service.ran.times(), service.verified.times()), (0, 0));
    assert!(client.both(many()).await.is_ok());
}

/// A handler that passes the request of an admitted call to a denied method.
#[tokio::test]
async fn the_handoff_of_another_method_is_rejected() {
    struct Forwarding(Arc<Service>);

    #[tonic::async_trait]
    impl Extra for Forwarding {
        async fn unary(&self, request: Request<Note>) -> Result<Response<Note>, Status> {
            Extra::unary(&*self.0, request).await
        }

        async fn get_url(&self, request: Request<Note>) -> Result<Response<Note>, Status> {
            Extra::unary(&*self.0, request).await
        }
    }

    let service = Arc::new(Service::default());
    let guarded = guard_arc(Arc::clone(&service), |service| ExtraServer::new(Forwarding(service)));
    let server = Running::start(Server::builder().add_service(guarded)).await;
    let rejected = call_get_url(&server, &[ADA]).await.unwrap_err();
    assert_eq!(rejected.code(), Code::PermissionDenied);
    assert_eq!((service.verified.times(), service.ran.times()), (1, 0));
}
