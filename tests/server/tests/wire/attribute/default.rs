//! A default on the impl, methods that override it, and `anonymous`.

use tonic::{Request, Response, Status, transport::Server};
use tonic_guard::{Authenticate, anonymous, authenticated, guard};
use tonic_guard_suite_support::{
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

/// Returns the outcome of each of the four kinds for these headers: the reason of the rejection, or
/// an empty string.
async fn outcomes(server: &Running, headers: &[(&str, &str)]) -> [String; 4] {
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
async fn attribute_on_a_method_replaces_the_default() {
    for with_guard in [true, false] {
        let service = Service::default();
        let mut server = Server::builder();
        let server = match with_guard {
            true => server.add_service(guard(service, KindsServer::from_arc)),
            false => server.add_service(KindsServer::new(service)),
        };
        let server = Running::start(server).await;
        let (missing, scope) = ("CREDENTIALS_MISSING", "ACCESS_TOKEN_SCOPE_INSUFFICIENT");
        assert_eq!(outcomes(&server, &[]).await, [missing, missing, "", missing]);
        assert_eq!(outcomes(&server, &[ADA]).await, ["", "", "", missing]);
        assert_eq!(outcomes(&server, &[EVE]).await, [scope, "", "", missing]);
        assert_eq!(outcomes(&server, &[ACME]).await, [missing, missing, "", ""]);
        let bad = outcomes(&server, &[("authorization", "Bearer x")]).await;
        assert_eq!(bad, ["CREDENTIALS_INVALID", "CREDENTIALS_INVALID", "", missing]);
    }
}

/// Without an attribute on the impl, a method without one is open.
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
async fn attributes_on_methods_of_a_plain_impl_apply_to_those_methods() {
    let server =
        Running::start(Server::builder().add_service(ExtraServer::new(Service::default()))).await;
    assert_eq!(reason(&call(&server, &[]).await.unwrap_err()), "CREDENTIALS_MISSING");
    assert_eq!(call(&server, &[ADA]).await.unwrap(), "in");
    assert_eq!(call_get_url(&server, &[]).await.unwrap(), "in");
}
