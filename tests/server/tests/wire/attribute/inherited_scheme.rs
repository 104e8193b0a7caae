//! `scheme = default`: a method keeps the scheme of its impl, and nothing else.

use tonic::{Request, Response, Status, transport::Server};
use tonic_guard::{Authenticate, authenticated, guard, policy_of};
use tonic_guard_suite_support::{
    Keys, Role, Running, Tokens, User,
    pb::{
        Note,
        extra_server::{Extra, ExtraServer},
        kinds_client::KindsClient,
        kinds_server::{Kinds, KindsServer},
    },
    reason, request,
};

use crate::support::service::{ACME, ADA, EVE, call, call_get_url, note, says};

struct Verifiers {
    tokens: Tokens,
}

#[derive(Authenticate)]
struct Service {
    verifiers: Verifiers,
    #[verifies("api-key")]
    keys: Keys,
}

fn service() -> Service {
    Service { verifiers: Verifiers { tokens: Tokens }, keys: Keys::default() }
}

/// The service itself authenticates no tokens, so a scheme without its `via` wouldn't compile.
#[authenticated(scheme = "bearer" via self.verifiers.tokens, server = ExtraServer)]
#[tonic::async_trait]
impl Extra for Service {
    #[authenticated(scheme = default, roles(Role::Admin))]
    async fn unary(
        &self,
        _: Request<Note>,
        #[identity] user: User,
    ) -> Result<Response<Note>, Status> {
        says(user.name)
    }

    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("in")
    }
}

#[tokio::test]
async fn a_method_adds_a_requirement_to_the_scheme_of_the_impl() {
    for with_guard in [true, false] {
        let mut server = Server::builder();
        let server = match with_guard {
            true => server.add_service(guard(service(), ExtraServer::from_arc)),
            false => server.add_service(ExtraServer::new(service())),
        };
        let server = Running::start(server).await;
        for (headers, why) in [
            (&[][..], "CREDENTIALS_MISSING"),
            (&[ACME], "CREDENTIALS_MISSING"),
            (&[("authorization", "Bearer x")], "CREDENTIALS_INVALID"),
            (&[EVE], "PERMISSION_DENIED"),
        ] {
            assert_eq!(reason(&call(&server, headers).await.unwrap_err()), why, "{headers:?}");
        }
        assert_eq!(call(&server, &[ADA]).await.unwrap(), "ada");
        assert_eq!(call_get_url(&server, &[EVE]).await.unwrap(), "in");
    }
}

#[test]
fn the_table_has_the_effective_scheme() {
    let policy = policy_of(ExtraServer::<Service>::from_arc).to_string();
    let unary = policy.lines().nth(1).unwrap();
    assert!(unary.contains("bearer via self.verifiers.tokens  roles(Role::Admin)"), "{policy}");
    assert!(!policy.contains("default"), "{policy}");
}

type Nothing = tokio_stream::Empty<Result<Note, Status>>;

/// The default's requirement is dropped by name, its combination of schemes is kept.
#[authenticated(
    scheme = all_of("bearer" via self.verifiers.tokens, "api-key"),
    scopes("write"),
    server = KindsServer,
)]
#[tonic::async_trait]
impl Kinds for Service {
    #[authenticated(scheme = default, scopes(none))]
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("in")
    }

    type DownStream = Nothing;

    async fn down(&self, _: Request<Note>) -> Result<Response<Nothing>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }

    #[denied(reason = "not needed here")]
    async fn up(&self, _: Request<tonic::Streaming<Note>>) -> Result<Response<Note>, Status> {}

    type BothStream = Nothing;

    #[denied(reason = "not needed here")]
    async fn both(&self, _: Request<tonic::Streaming<Note>>) -> Result<Response<Nothing>, Status> {}
}

#[tokio::test]
async fn a_combination_is_inherited_as_a_whole() {
    let kinds = guard(service(), KindsServer::from_arc);
    let server = Running::start(Server::builder().add_service(kinds)).await;
    let mut client = KindsClient::new(server.channel().await);
    for headers in [&[][..], &[EVE], &[ACME]] {
        let rejected = client.unary(request(note(""), headers)).await.unwrap_err();
        assert_eq!(reason(&rejected), "CREDENTIALS_MISSING", "{headers:?}");
    }
    assert!(client.unary(request(note(""), &[EVE, ACME])).await.is_ok());
    let rejected = client.down(request(note(""), &[EVE, ACME])).await.unwrap_err();
    assert_eq!(reason(&rejected), "ACCESS_TOKEN_SCOPE_INSUFFICIENT");
}
