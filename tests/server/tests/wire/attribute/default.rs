//! A default on the impl, methods that say otherwise, and `anonymous`.

use tonic::{Request, Response, Status, transport::Server};
use tonic_guard::{Authenticate, anonymous, authenticated, guard};
use tonic_guard_tests::{
    Keys, Running, Tokens,
    pb::{
        Note,
        extra_server::{Extra, ExtraServer},
        kinds_client::KindsClient,
        kinds_server::{Kinds, KindsServer},
    },
    reason, request,
};

use crate::support::service::{ACME, ADA, EVE, call, call_get_url, note, says};

#[derive(Authenticate, Default)]
struct Service {
    #[verifies("bearer")]
    tokens: Tokens,
    #[verifies("api-key")]
    keys: Keys,
}

type Notes = tokio_stream::Iter<std::vec::IntoIter<Result<Note, Status>>>;

fn no_notes() -> Result<Response<Notes>, Status> {
    Ok(Response::new(tokio_stream::iter(vec![Ok(note("in"))])))
}

#[authenticated(scheme = "bearer", scopes("write"))]
#[tonic::async_trait]
impl Kinds for Service {
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("in")
    }

    type DownStream = Notes;

    #[authenticated(scheme = "bearer", scopes(none))]
    async fn down(&self, _: Request<Note>) -> Result<Response<Notes>, Status> {
        no_notes()
    }

    #[anonymous(reason = "everyone may send")]
    async fn up(&self, _: Request<tonic::Streaming<Note>>) -> Result<Response<Note>, Status> {
        says("in")
    }

    type BothStream = Notes;

    #[authenticated(scheme = "api-key", scopes(none))]
    async fn both(&self, _: Request<tonic::Streaming<Note>>) -> Result<Response<Notes>, Status> {
        no_notes()
    }
}

/// What each of the four kinds answers these headers: the reason of its refusal, or nothing.
async fn judged(server: &Running, headers: &[(&str, &str)]) -> [String; 4] {
    let mut client = KindsClient::new(server.channel().await);
    let one = || request(note(""), headers);
    let many = || request(tokio_stream::iter([note("")]), headers);
    let why = |status: Option<Status>| status.map(|status| reason(&status)).unwrap_or_default();
    [
        why(client.unary(one()).await.err()),
        why(client.down(one()).await.err()),
        why(client.up(many()).await.err()),
        why(client.both(many()).await.err()),
    ]
}

#[tokio::test]
async fn the_nearest_attribute_holds_whole() {
    for front in [true, false] {
        let service = Service::default();
        let mut server = Server::builder();
        let server = match front {
            true => server.add_service(guard(service, KindsServer::from_arc)),
            false => server.add_service(KindsServer::new(service)),
        };
        let server = Running::start(server).await;
        let (missing, scope) = ("CREDENTIALS_MISSING", "ACCESS_TOKEN_SCOPE_INSUFFICIENT");
        assert_eq!(judged(&server, &[]).await, [missing, missing, "", missing]);
        assert_eq!(judged(&server, &[ADA]).await, ["", "", "", missing]);
        assert_eq!(judged(&server, &[EVE]).await, [scope, "", "", missing]);
        assert_eq!(judged(&server, &[ACME]).await, [missing, missing, "", ""]);
        let bad = judged(&server, &[("authorization", "Bearer x")]).await;
        assert_eq!(bad, ["CREDENTIALS_INVALID", "CREDENTIALS_INVALID", "", missing]);
    }
}

/// On an impl without an attribute, a method that says nothing is open.
#[tonic::async_trait]
impl Extra for Service {
    #[authenticated(scheme = "bearer")]
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("in")
    }

    #[anonymous(reason = "everyone may look")]
    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("in")
    }
}

#[tokio::test]
async fn attributes_on_methods_of_a_plain_impl_hold_for_those_methods() {
    let server =
        Running::start(Server::builder().add_service(ExtraServer::new(Service::default()))).await;
    assert_eq!(reason(&call(&server, &[]).await.unwrap_err()), "CREDENTIALS_MISSING");
    assert_eq!(call(&server, &[ADA]).await.unwrap(), "in");
    assert_eq!(call_get_url(&server, &[]).await.unwrap(), "in");
}
