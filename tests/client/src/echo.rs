//! The guarded service.

use std::sync::Arc;

use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};
use tonic_guard::{
    AuthError, Authenticate, Authenticated, authenticated,
    scheme::{ApiKey, ApiKeyValue, Basic, BasicCredentials, Bearer, BearerToken},
};
use tonic_guard_suite_support::pb::{Note, kinds_server::Kinds};

use crate::issuer::Issuer;

/// The guarded service. It returns the note that it receives.
#[derive(Debug)]
pub struct Echo {
    issuer: Arc<Issuer>,
}

impl Echo {
    /// Creates a service that accepts the tokens of `issuer`.
    pub fn new(issuer: &Arc<Issuer>) -> Self {
        Echo { issuer: Arc::clone(issuer) }
    }
}

/// An authenticated caller.
#[derive(Debug)]
pub struct User;

impl Authenticate<Bearer> for Echo {
    type Identity = User;

    async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<User>, AuthError> {
        self.issuer.check(token.as_str()).await.map(|()| User.into())
    }
}

impl Authenticate<ApiKey> for Echo {
    type Identity = User;

    async fn authenticate(&self, key: ApiKeyValue) -> Result<Authenticated<User>, AuthError> {
        self.issuer.check(key.as_str()).await.map(|()| User.into())
    }
}

impl Authenticate<Basic> for Echo {
    type Identity = User;

    async fn authenticate(
        &self,
        credentials: BasicCredentials,
    ) -> Result<Authenticated<User>, AuthError> {
        if credentials.user_id() != "ada" {
            return Err(AuthError::invalid());
        }
        self.issuer.check(credentials.password()).await.map(|()| User.into())
    }
}

type Notes = std::pin::Pin<Box<dyn Stream<Item = Result<Note, Status>> + Send>>;

#[authenticated(scheme = one_of("bearer", "basic", "api-key"))]
#[tonic::async_trait]
impl Kinds for Echo {
    async fn unary(
        &self,
        request: Request<Note>,
        #[identity] _: User,
    ) -> Result<Response<Note>, Status> {
        let note = request.into_inner();
        match note.text.as_str() {
            "denied" => Err(Status::permission_denied("not you")),
            "slow" => std::future::pending().await,
            _ => Ok(Response::new(note)),
        }
    }

    type DownStream = Notes;

    /// Sends the note three times. The note "then reject" is sent once, and then the stream ends as UNAUTHENTICATED.
    async fn down(
        &self,
        request: Request<Note>,
        #[identity] _: User,
    ) -> Result<Response<Notes>, Status> {
        let note = request.into_inner();
        let last = match note.text.as_str() {
            "then reject" => Err(Status::unauthenticated("in the middle")),
            _ => Ok(note.clone()),
        };
        let notes = [Ok(note.clone()), last.clone(), last];
        Ok(Response::new(Box::pin(tokio_stream::iter(notes))))
    }

    /// Returns the texts of the notes and the number of payload bytes.
    async fn up(
        &self,
        request: Request<Streaming<Note>>,
        #[identity] _: User,
    ) -> Result<Response<Note>, Status> {
        let mut notes = request.into_inner();
        let (mut texts, mut bytes) = (Vec::new(), 0);
        while let Some(note) = notes.message().await? {
            texts.push(note.text);
            bytes += note.payload.len();
        }
        Ok(Response::new(Note { text: format!("{} {bytes}", texts.join(",")), payload: vec![] }))
    }

    type BothStream = Notes;

    async fn both(
        &self,
        request: Request<Streaming<Note>>,
        #[identity] _: User,
    ) -> Result<Response<Notes>, Status> {
        Ok(Response::new(Box::pin(request.into_inner().map(|note| note))))
    }
}
