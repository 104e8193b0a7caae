//! Names in the attribute that the user's code also defines: the attribute keeps its meaning, at
//! the guard and at the handler check.

use tonic::{Request, Response, Status, transport::Server};
use tonic_guard::{
    AuthError, CallHead, authenticated, guard,
    scheme::{Bearer, BearerToken},
};
use tonic_guard_suite_support::{Role, Running, Tokens, User};

use crate::{
    ADA, EVE, call,
    pb::{
        Text,
        shape_server::{Shape, ShapeServer},
    },
    ran,
};

static TOKENS: Tokens = Tokens;

const NEEDED: Role = Role::Admin;

async fn known<T>(_: &T, _: &User, head: &CallHead<'_>) -> Result<(), AuthError> {
    match head.headers().contains_key("x-unwanted") {
        true => Err(AuthError::denied()),
        false => Ok(()),
    }
}

/// Accepts any token as `ada`'s.
struct Anyone;

impl tonic_guard::Authenticate<Bearer> for Anyone {
    type Identity = User;

    async fn authenticate(
        &self,
        _: BearerToken,
    ) -> Result<tonic_guard::Authenticated<User>, AuthError> {
        Ok(tonic_guard::Authenticated::new(User { name: "ada".to_owned(), scopes: "" }))
    }
}

/// Extension methods on every type, with the method names of the generated policy builder.
#[allow(dead_code, clippy::wrong_self_convention, reason = "generated code must not call them")]
trait Meddling: Sized {
    fn by<A>(self, _: A) -> Self {
        unreachable!("the user's `by`")
    }
    fn by_value<A>(self, _: A) -> Self {
        unreachable!("the user's `by_value`")
    }
    fn check(self) -> Self {
        unreachable!("the user's `check`")
    }
    fn require<Q>(self, _: Q) -> Self {
        unreachable!("the user's `require`")
    }
    fn into<T>(self) -> Self {
        unreachable!("the user's `into`")
    }
    fn identity_as<T>(self) -> Self {
        unreachable!("the user's `identity_as`")
    }
    fn identity_as_repeated<T>(self) -> Self {
        unreachable!("the user's `identity_as_repeated`")
    }
    fn original_identity(self) -> Self {
        unreachable!("the user's `original_identity`")
    }
    fn no_identity(self) -> Self {
        unreachable!("the user's `no_identity`")
    }
    fn build(self) -> Self {
        unreachable!("the user's `build`")
    }
    fn optional(self) -> Self {
        unreachable!("the user's `optional`")
    }
}

impl<T> Meddling for T {}

/// A user's trait with the name of one of this crate's traits.
#[allow(dead_code, reason = "it only shadows a name")]
trait Authenticate {
    fn authenticate(&self) -> bool {
        true
    }
    fn bypass(&self) -> Option<User> {
        Some(User { name: "ada".to_owned(), scopes: "" })
    }
}

impl<T> Authenticate for T {}

/// A service whose body defines items with the names in its attribute, which is above async_trait
/// or below it.
macro_rules! service {
    ($name:ident: $(#[$attribute:meta])+) => {
        mod $name {
            use super::*;

            pub(super) struct Service;

            $(#[$attribute])+
            impl Shape for Service {
                async fn call(&self, _: Request<Text>) -> Result<Response<Text>, Status> {
                    #[allow(dead_code)]
                    static TOKENS: Anyone = Anyone;
                    #[allow(dead_code)]
                    const NEEDED: Role = Role::Clerk;
                    #[allow(dead_code)]
                    async fn known<T>(_: &T, _: &User, _: &CallHead<'_>) -> Result<(), AuthError> {
                        Ok(())
                    }
                    Ok(ran())
                }
            }
        }
    };
}

service! {
    above:
    #[authenticated(scheme = Bearer::new() via TOKENS, roles(NEEDED), authorize = known)]
    #[tonic::async_trait]
}

service! {
    below:
    #[tonic::async_trait]
    #[authenticated(scheme = Bearer::new() via TOKENS, roles(NEEDED), authorize = known)]
}

async fn holds(server: Running) {
    let unwanted = [ADA, &[("x-unwanted", "1")]].concat();
    for headers in [&[][..], &[("authorization", "Bearer wrong")], EVE, &unwanted] {
        let rejected = call(&server, headers).await;
        assert!(rejected.is_err(), "{headers:?} is admitted by an item of the body");
    }
    assert_eq!(call(&server, ADA).await.unwrap(), "ran");
}

async fn serve(service: impl Shape) -> Running {
    Running::start(Server::builder().add_service(ShapeServer::new(service))).await
}

#[tokio::test]
async fn items_of_a_body_dont_change_the_attribute() {
    holds(serve(above::Service).await).await;
    holds(serve(below::Service).await).await;
    let guarded = guard(above::Service, ShapeServer::from_arc);
    holds(Running::start(Server::builder().add_service(guarded)).await).await;
    let guarded = guard(below::Service, ShapeServer::from_arc);
    holds(Running::start(Server::builder().add_service(guarded)).await).await;
}
