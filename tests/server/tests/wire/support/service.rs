//! Services that differ in one attribute, and the calls that all tests make.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tonic::{Response, Status, transport::Server};
use tonic_guard::{Guarded, guard};
use tonic_guard_suite_support::{
    Running,
    pb::{
        Note,
        extra_client::ExtraClient,
        extra_server::{Extra, ExtraServer},
    },
    request,
};

/// Counts how often something has run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ran(Arc<AtomicUsize>);

impl Ran {
    pub(crate) fn once(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn times(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// A note with this text.
pub(crate) fn note(text: impl Into<String>) -> Note {
    Note { text: text.into(), payload: Vec::new() }
}

/// An answer with this text.
pub(crate) fn says(text: impl Into<String>) -> Result<Response<Note>, Status> {
    Ok(Response::new(note(text)))
}

/// Defines a service whose `unary` has `#[authenticated(..)]` with these arguments and answers with
/// its caller. Its `get_url` requires a bearer token and reads no identity.
macro_rules! service {
    ($name:ident: [$($policy:tt)*] => $identity:ty) => {
        #[derive(tonic_guard::Authenticate, Default)]
        struct $name {
            #[verifies("bearer")]
            tokens: tonic_guard_suite_support::Tokens,
            #[verifies("basic")]
            passwords: tonic_guard_suite_support::Passwords,
            #[verifies("api-key")]
            keys: tonic_guard_suite_support::Keys,
            ran: $crate::support::service::Ran,
        }

        #[tonic_guard::authenticated(scheme = "bearer")]
        #[tonic::async_trait]
        impl tonic_guard_suite_support::pb::extra_server::Extra for $name {
            #[authenticated($($policy)*)]
            async fn unary(
                &self,
                _: tonic::Request<tonic_guard_suite_support::pb::Note>,
                #[identity] caller: $identity,
            ) -> Result<tonic::Response<tonic_guard_suite_support::pb::Note>, tonic::Status> {
                self.ran.once();
                $crate::support::service::says(format!("{caller:?}"))
            }

            async fn get_url(
                &self,
                _: tonic::Request<tonic_guard_suite_support::pb::Note>,
            ) -> Result<tonic::Response<tonic_guard_suite_support::pb::Note>, tonic::Status> {
                self.ran.once();
                $crate::support::service::says("")
            }
        }
    };
}

/// Serves `service` behind a guard.
pub(crate) async fn serve_guarded<T, M: 'static>(service: T) -> Running
where
    T: Extra + Guarded<M, ExtraServer<T>>,
{
    Running::start(Server::builder().add_service(guard(service, ExtraServer::from_arc))).await
}

/// Serves `service` without a guard, so that the handler checks alone decide.
pub(crate) async fn serve_without_guard<T: Extra>(service: T) -> Running {
    Running::start(Server::builder().add_service(ExtraServer::new(service))).await
}

/// Calls `unary` with these headers: the text of its answer.
pub(crate) async fn call(server: &Running, headers: &[(&str, &str)]) -> Result<String, Status> {
    let mut client = ExtraClient::new(server.channel().await);
    Ok(client.unary(request(Note::default(), headers)).await?.into_inner().text)
}

/// Calls `get_url` with these headers: the text of its answer.
pub(crate) async fn call_get_url(
    server: &Running,
    headers: &[(&str, &str)],
) -> Result<String, Status> {
    let mut client = ExtraClient::new(server.channel().await);
    Ok(client.get_url(request(Note::default(), headers)).await?.into_inner().text)
}

/// The header of a bearer token that is good, with the scopes `read write` and the role `Admin`.
pub(crate) const ADA: (&str, &str) = ("authorization", "Bearer ada-token");
/// The header of a bearer token that is good, with the scope `read` and the role `Clerk`.
pub(crate) const EVE: (&str, &str) = ("authorization", "Bearer eve-token");
/// `ada` with her password, which holds a colon.
pub(crate) const ADAS_PASSWORD: (&str, &str) = ("authorization", "Basic YWRhOnBhOnNz");
/// The key of the partner `acme`.
pub(crate) const ACME: (&str, &str) = ("x-api-key", "key-1");
