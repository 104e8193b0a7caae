//! Names of the attribute that the user's code has too: the attribute means what it means beside it,
//! at both doors.

use tonic::{Request, Response, Status, transport::Server};
use tonic_guard::{
    AuthError, CallHead, authenticated, guard,
    scheme::{Bearer, BearerToken},
};
use tonic_guard_tests::{Role, Running, Tokens, User};

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

/// Takes any token for `ada`'s.
struct Anyone;

impl tonic_guard::Authenticate<Bearer> for Anyone {
    type Identity = User;

    async fn authenticate(&self, _: BearerToken) -> Result<User, AuthError> {
        Ok(User { name: "ada".to_owned(), scopes: "" })
    }
}

/// Methods of every type, with the names that a plan is put together by.
#[allow(dead_code, clippy::wrong_self_convention, reason = "nobody may call them")]
trait Meddling: Sized {
    fn by<A>(self, _: A) -> Self {
        unreachable!("the user's own `by`")
    }
    fn by_value<A>(self, _: A) -> Self {
        unreachable!("the user's own `by_value`")
    }
    fn leaf(self) -> Self {
        unreachable!("the user's own `leaf`")
    }
    fn require<Q>(self, _: Q) -> Self {
        unreachable!("the user's own `require`")
    }
    fn into<T>(self) -> Self {
        unreachable!("the user's own `into`")
    }
    fn kept(self) -> Self {
        unreachable!("the user's own `kept`")
    }
    fn dropped(self) -> Self {
        unreachable!("the user's own `dropped`")
    }
    fn ready(self) -> Self {
        unreachable!("the user's own `ready`")
    }
    fn optional(self) -> Self {
        unreachable!("the user's own `optional`")
    }
}

impl<T> Meddling for T {}

/// A trait of the user's own with a name of ours.
#[allow(dead_code, reason = "it is only in the way")]
trait Authenticate {
    fn authenticate(&self) -> bool {
        true
    }
    fn bypass(&self) -> Option<User> {
        Some(User { name: "ada".to_owned(), scopes: "" })
    }
}

impl<T> Authenticate for T {}

/// A service whose body has items with the names that its attribute says. The attribute stands
/// above async_trait or below it.
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
        let refused = call(&server, headers).await;
        assert!(refused.is_err(), "{headers:?} gets in by a name of the body");
    }
    assert_eq!(call(&server, ADA).await.unwrap(), "ran");
}

async fn serve(service: impl Shape) -> Running {
    Running::start(Server::builder().add_service(ShapeServer::new(service))).await
}

#[tokio::test]
async fn the_items_of_a_body_dont_change_what_its_attribute_says() {
    holds(serve(above::Service).await).await;
    holds(serve(below::Service).await).await;
    let guarded = guard(above::Service, ShapeServer::from_arc);
    holds(Running::start(Server::builder().add_service(guarded)).await).await;
    let guarded = guard(below::Service, ShapeServer::from_arc);
    holds(Running::start(Server::builder().add_service(guarded)).await).await;
}
