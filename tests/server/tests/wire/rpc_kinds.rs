//! The four kinds of remote procedure, with the handler check alone and with a guard.

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
    reason, request,
};

use crate::support::service::{ADA, Ran, note, says};

type Notes = Pin<Box<dyn Stream<Item = Result<Note, Status>> + Send>>;

/// A service of the four kinds, with the first attribute on its impl and the second on each method.
macro_rules! kinds {
    ($name:ident, [$($on_impl:tt)*], [$($on_method:tt)*]) => {
        #[derive(Authenticate, Default)]
        struct $name {
            #[verifies("bearer")]
            tokens: Tokens,
            ran: Ran,
        }

        $($on_impl)*
        #[tonic::async_trait]
        impl Kinds for $name {
            $($on_method)*
            async fn unary(
                &self,
                request: Request<Note>,
                #[identity] caller: User,
            ) -> Result<Response<Note>, Status> {
                self.ran.once();
                says(caller.name + &request.into_inner().text)
            }

            type DownStream = Notes;

            $($on_method)*
            async fn down(
                &self,
                request: Request<Note>,
                #[identity] caller: User,
            ) -> Result<Response<Notes>, Status> {
                self.ran.once();
                let notes = [Ok(note(caller.name)), Ok(request.into_inner())];
                Ok(Response::new(Box::pin(tokio_stream::iter(notes))))
            }

            $($on_method)*
            async fn up(
                &self,
                request: Request<Streaming<Note>>,
                #[identity] caller: User,
            ) -> Result<Response<Note>, Status> {
                self.ran.once();
                let mut text = caller.name;
                let mut notes = request.into_inner();
                while let Some(note) = notes.message().await? {
                    text.push_str(&note.text);
                }
                says(text)
            }

            type BothStream = Notes;

            $($on_method)*
            async fn both(
                &self,
                request: Request<Streaming<Note>>,
                #[identity] caller: User,
            ) -> Result<Response<Notes>, Status> {
                self.ran.once();
                let first = tokio_stream::once(Ok(note(caller.name)));
                Ok(Response::new(Box::pin(first.chain(request.into_inner()))))
            }
        }
    };
}

kinds!(OnMethods, [], [#[authenticated(scheme = "bearer")]]);
kinds!(OnImpl, [#[authenticated(scheme = "bearer")]], []);

const KINDS: [&str; 4] = ["unary", "down", "up", "both"];

/// Makes a call of `kind` with the text `!` and returns the joined texts of the answer.
async fn call(server: &Running, kind: &str, headers: &[(&str, &str)]) -> Result<String, Status> {
    let mut client = KindsClient::new(server.channel().await);
    let one = || request(note("!"), headers);
    let many = || request(tokio_stream::iter([note("!")]), headers);
    let notes = match kind {
        "unary" => return Ok(client.unary(one()).await?.into_inner().text),
        "up" => return Ok(client.up(many()).await?.into_inner().text),
        "down" => client.down(one()).await?.into_inner(),
        _ => client.both(many()).await?.into_inner(),
    };
    // A rejection is the answer itself: no stream has begun.
    let notes: Vec<_> =
        notes.map(|note| note.expect("a stream that isn't cut short")).collect().await;
    Ok(notes.into_iter().map(|note| note.text).collect())
}

/// Asserts that each kind rejects the bad calls and answers the good one.
async fn assert_each_kind_is_guarded(server: &Running, ran: &Ran) {
    let rejected: [(&[(&str, &str)], &str); 4] = [
        (&[], "CREDENTIALS_MISSING"),
        (&[("authorization", "Bearer")], "CREDENTIALS_MALFORMED"),
        (&[("authorization", "Bearer nobodys-token")], "CREDENTIALS_INVALID"),
        (&[("authorization", "Bearer old-token")], "ACCESS_TOKEN_EXPIRED"),
    ];
    for kind in KINDS {
        for (headers, why) in rejected {
            let status = call(server, kind, headers).await.unwrap_err();
            assert_eq!(status.code(), Code::Unauthenticated, "{kind} {headers:?}");
            assert_eq!(reason(&status), why, "{kind}");
        }
    }
    assert_eq!(ran.times(), 0);
    for kind in KINDS {
        assert_eq!(call(server, kind, &[ADA]).await.unwrap(), "ada!", "{kind}");
    }
    assert_eq!(ran.times(), KINDS.len());
}

#[tokio::test]
async fn attributes_on_methods_hold_without_a_guard() {
    let service = OnMethods::default();
    let ran = service.ran.clone();
    let server = Running::start(Server::builder().add_service(KindsServer::new(service))).await;
    assert_each_kind_is_guarded(&server, &ran).await;
}

#[tokio::test]
async fn attribute_on_the_impl_holds_without_a_guard() {
    let service = OnImpl::default();
    let ran = service.ran.clone();
    let server = Running::start(Server::builder().add_service(KindsServer::new(service))).await;
    assert_each_kind_is_guarded(&server, &ran).await;
}

#[tokio::test]
async fn guard_checks_each_kind() {
    let service = OnImpl::default();
    let ran = service.ran.clone();
    let guard = guard(service, KindsServer::from_arc);
    let server = Running::start(Server::builder().add_service(guard)).await;
    assert_each_kind_is_guarded(&server, &ran).await;
}
