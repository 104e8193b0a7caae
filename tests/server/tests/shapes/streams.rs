//! Unary, server-streaming, client-streaming and bidirectional methods; associated types after the
//! first function.

use std::pin::Pin;

use tokio_stream::{Stream, StreamExt};
use tonic::{Code, Request, Response, Status, Streaming, transport::Server};
use tonic_guard::{Authenticate, authenticated, guard};
use tonic_guard_suite_support::{
    Running, Tokens, User,
    pb::{
        Note,
        kinds_client::KindsClient,
        kinds_server::{Kinds, KindsServer},
    },
    request,
};

use crate::ADA;

type Notes = Pin<Box<dyn Stream<Item = Result<Note, Status>> + Send>>;
type StreamReq<T> = Request<Streaming<T>>;

fn note(text: &str) -> Note {
    Note { text: text.into(), payload: Vec::new() }
}

async fn joined(mut notes: Streaming<Note>) -> Result<String, Status> {
    let mut all = String::new();
    while let Some(note) = notes.next().await {
        all.push_str(&note?.text);
    }
    Ok(all)
}

#[derive(Authenticate)]
struct OnImpl(#[verifies("bearer")] Tokens);

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Kinds for OnImpl {
    async fn unary(&self, request: Request<Note>) -> Result<Response<Note>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    type DownStream = Notes;

    async fn down(
        &self,
        request: Request<Note>,
        #[identity] caller: User,
    ) -> Result<Response<Self::DownStream>, Status> {
        let notes = [Ok(request.into_inner()), Ok(note(&caller.name))];
        Ok(Response::new(Box::pin(tokio_stream::iter(notes))))
    }

    async fn up(&self, request: StreamReq<Note>) -> Result<Response<Note>, Status> {
        Ok(Response::new(note(&joined(request.into_inner()).await?)))
    }

    type BothStream = Streaming<Note>;

    async fn both(
        &self,
        request: Request<Streaming<Note>>,
    ) -> Result<Response<Self::BothStream>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

#[derive(Authenticate)]
struct OnMethods(#[verifies("bearer")] Tokens);

impl OnMethods {
    async fn knows(&self, caller: &User, request: &Request<Streaming<Note>>) -> Result<(), Status> {
        tokio::task::yield_now().await;
        assert!(request.metadata().contains_key("authorization"));
        if caller.name == "ada" { Ok(()) } else { Err(Status::permission_denied("not ada")) }
    }
}

#[tonic::async_trait]
impl Kinds for OnMethods {
    #[authenticated(scheme = "bearer")]
    async fn unary(&self, request: Request<Note>) -> Result<Response<Note>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    #[authenticated(scheme = "bearer")]
    async fn down(&self, request: Request<Note>) -> Result<Response<Self::DownStream>, Status> {
        let notes = [Ok(request.into_inner()), Ok(note("ada"))];
        Ok(Response::new(Box::pin(tokio_stream::iter(notes))))
    }

    type DownStream = Notes;
    type BothStream = Streaming<Note>;

    #[authenticated(scheme = "bearer", authorize_request = Self::knows)]
    async fn up(&self, request: Request<Streaming<Note>>) -> Result<Response<Note>, Status> {
        Ok(Response::new(note(&joined(request.into_inner()).await?)))
    }

    #[authenticated(scheme = "bearer")]
    async fn both(&self, request: StreamReq<Note>) -> Result<Response<Self::BothStream>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}

async fn every_kind(server: &Running, headers: &[(&str, &str)]) -> [Result<String, Status>; 4] {
    let mut client = KindsClient::new(server.channel().await);
    let up = || tokio_stream::iter([note("a"), note("b")]);
    let unary = client.unary(request(note("hi"), headers)).await;
    let down = client.down(request(note("hi"), headers)).await;
    let sent = client.up(request(up(), headers)).await;
    let both = client.both(request(up(), headers)).await;
    [
        unary.map(|answer| answer.into_inner().text),
        match down {
            Ok(notes) => joined(notes.into_inner()).await,
            Err(status) => Err(status),
        },
        sent.map(|answer| answer.into_inner().text),
        match both {
            Ok(notes) => joined(notes.into_inner()).await,
            Err(status) => Err(status),
        },
    ]
}

async fn every_kind_is_guarded(server: tonic::transport::server::Router) {
    let server = Running::start(server).await;
    for rejected in every_kind(&server, &[]).await {
        assert_eq!(rejected.unwrap_err().code(), Code::Unauthenticated);
    }
    let answers = every_kind(&server, ADA).await.map(Result::unwrap);
    assert_eq!(answers, ["hi", "hiada", "ab", "ab"]);
}

#[tokio::test]
async fn every_kind_is_checked_by_the_guard() {
    every_kind_is_guarded(
        Server::builder().add_service(guard(OnImpl(Tokens), KindsServer::from_arc)),
    )
    .await;
}

#[tokio::test]
async fn every_kind_is_checked_by_the_handler_check() {
    every_kind_is_guarded(Server::builder().add_service(KindsServer::new(OnImpl(Tokens)))).await;
    every_kind_is_guarded(Server::builder().add_service(KindsServer::new(OnMethods(Tokens)))).await;
}

#[tokio::test]
async fn custom_check_rejects_a_streaming_request() {
    let server = Running::start(Server::builder().add_service(KindsServer::new(OnMethods(Tokens))));
    let [unary, _, up, _] = every_kind(&server.await, crate::EVE).await;
    assert!(unary.is_ok());
    assert_eq!(up.unwrap_err().code(), Code::PermissionDenied);
}
