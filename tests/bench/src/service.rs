//! The benchmarked service, once for each way of authentication.
//!
//! Each handler answers with the caller's number, or with zero if it isn't authenticated.

use tonic::{Request, Response, Status};
use tonic_guard::{
    AuthError, Authenticate, Authenticated, authenticated,
    scheme::{Bearer, BearerToken},
    synchronous,
};

use crate::{
    by_hand,
    pb::{Heard, Words, echo_server::Echo},
};

/// The only good token.
pub const TOKEN: &str = "f3b1c7d95e2a4860b7c19ad3e45f60218d7c";

/// The identity of a token. It is `Clone`, because peers pass it on in an extension; tonic-guard
/// doesn't need that.
#[derive(Clone, Copy, Debug)]
pub struct User {
    number: u64,
}

impl User {
    /// The only user.
    pub const ADA: User = User { number: 7 };
}

/// Admits [`TOKEN`].
#[derive(Clone, Copy, Debug)]
pub struct Tokens;

#[synchronous]
impl Authenticate<Bearer> for Tokens {
    type Identity = User;

    fn authenticate(&self, token: BearerToken) -> Result<Authenticated<User>, AuthError> {
        if token.matches(TOKEN) { Ok(User::ADA.into()) } else { Err(AuthError::invalid()) }
    }
}

/// [`Tokens`] as an `async fn`, which doesn't wait.
#[derive(Clone, Copy, Debug)]
pub struct AsyncTokens;

impl Authenticate<Bearer> for AsyncTokens {
    type Identity = User;

    async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<User>, AuthError> {
        if token.matches(TOKEN) { Ok(User::ADA.into()) } else { Err(AuthError::invalid()) }
    }
}

fn heard(caller: u64) -> Result<Response<Heard>, Status> {
    Ok(Response::new(Heard { caller }))
}

/// Without authentication.
#[derive(Debug)]
pub struct Open;

#[tonic::async_trait]
impl Echo for Open {
    async fn say(&self, _: Request<Words>) -> Result<Response<Heard>, Status> {
        heard(0)
    }
}

/// Authenticated in the handler's body by [`by_hand::check`].
#[derive(Debug)]
pub struct ByHand {
    pub tokens: Tokens,
}

#[tonic::async_trait]
impl Echo for ByHand {
    async fn say(&self, request: Request<Words>) -> Result<Response<Heard>, Status> {
        let caller = by_hand::check(&self.tokens, &request).await?;
        heard(caller.number)
    }
}

/// Authenticated by the attribute.
#[derive(Authenticate, Debug)]
pub struct Attributed<T> {
    #[verifies("bearer")]
    pub tokens: T,
}

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl<T: Authenticate<Bearer, Identity = User> + 'static> Echo for Attributed<T> {
    async fn say(
        &self,
        _: Request<Words>,
        #[identity] caller: User,
    ) -> Result<Response<Heard>, Status> {
        heard(caller.number)
    }
}

/// Relies on an interceptor or layer before it.
#[derive(Debug)]
pub struct Extended;

#[tonic::async_trait]
impl Echo for Extended {
    async fn say(&self, request: Request<Words>) -> Result<Response<Heard>, Status> {
        let caller = request.extensions().get::<User>();
        let caller = caller.ok_or_else(|| Status::internal("the caller was not authenticated"))?;
        heard(caller.number)
    }
}
