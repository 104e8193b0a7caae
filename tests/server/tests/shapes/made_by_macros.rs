//! Impls that a `macro_rules!` makes whole, with their attributes.

use tonic::{Request, Response, Status};
use tonic_guard::{Authenticate, anonymous, authenticated};
use tonic_guard_tests::{Tokens, User};

use crate::{
    holds_at_both_doors,
    pb::{Text, shape_server::Shape},
    ran,
};

macro_rules! service {
    ($name:ident, $($body:tt)*) => {
        #[derive(Authenticate)]
        struct $name {
            #[verifies("bearer")]
            tokens: Tokens,
        }

        #[authenticated(scheme = "bearer" via self.tokens, authorize = Self::known)]
        #[tonic::async_trait]
        impl Shape for $name {
            $($body)*
        }

        impl $name {
            fn new() -> Self {
                $name { tokens: Tokens }
            }

            #[allow(dead_code, reason = "one of them drops it")]
            async fn known(
                &self,
                caller: &User,
                _: &tonic_guard::CallHead<'_>,
            ) -> Result<(), Status> {
                assert_eq!(caller.name, "ada");
                Ok(())
            }
        }
    };
}

service! { FromOutside,
    async fn call(&self, request: Request<Text>) -> Result<Response<Text>, Status> {
        assert_eq!(request.into_inner().text, "hi");
        let _ = &self.tokens;
        Ok(ran())
    }
}

service! { WithIdentity,
    async fn call(
        &self,
        _: Request<Text>,
        #[identity] User { name, .. }: User,
    ) -> Result<Response<Text>, Status> {
        assert_eq!(name, "ada");
        Ok(ran())
    }
}

service! { WithItsOwn,
    #[authenticated(scheme = "bearer" via self.tokens, authorize = none)]
    async fn call(&self, _: Request<Text>) -> Result<Response<Text>, Status> {
        let _ = &self.tokens;
        Ok(ran())
    }
}

/// Everything comes out of the macro: no name is the caller's but the type's.
macro_rules! whole {
    ($name:ident, $scheme:literal, $via:expr) => {
        #[derive(Authenticate)]
        struct $name {
            #[verifies("bearer")]
            tokens: Tokens,
        }

        #[authenticated(scheme = $scheme via $via.tokens)]
        #[tonic::async_trait]
        impl Shape for $name {
            async fn call(
                &self,
                request: Request<Text>,
                #[identity] caller: User,
            ) -> Result<Response<Text>, Status> {
                let _ = &self.tokens;
                assert_eq!((request.get_ref().text.as_str(), caller.name.as_str()), ("hi", "ada"));
                Ok(ran())
            }
        }
    };
}

whole!(Whole, "bearer", self);

macro_rules! on_method {
    ($name:ident, $($field:tt)+) => {
        #[derive(Authenticate)]
        struct $name {
            #[verifies("bearer")]
            tokens: Tokens,
        }

        #[tonic::async_trait]
        impl Shape for $name {
            #[authenticated(scheme = "bearer" via $($field)+)]
            async fn call(&self, _: Request<Text>) -> Result<Response<Text>, Status> {
                Ok(ran())
            }
        }
    };
}

on_method!(OnMethod, self.tokens);

/// The arguments are handed on as one.
macro_rules! meta {
    ($name:ident, $default:meta, $scopes:meta) => {
        #[derive(Authenticate)]
        struct $name(#[verifies("bearer")] Tokens);

        #[authenticated($default)]
        #[tonic::async_trait]
        impl Shape for $name {
            #[authenticated($default, $scopes)]
            async fn call(&self, _: Request<Text>) -> Result<Response<Text>, Status> {
                Ok(ran())
            }
        }
    };
}

meta!(Meta, scheme = "bearer", scopes("write"));

struct Open;

macro_rules! open {
    ($reason:literal) => {
        #[tonic::async_trait]
        impl Shape for Open {
            #[anonymous(reason = $reason)]
            async fn call(&self, _: Request<Text>) -> Result<Response<Text>, Status> {
                Ok(ran())
            }
        }
    };
}

open!("a test of what is open");

#[tokio::test]
async fn strangers_are_refused() {
    holds_at_both_doors(FromOutside::new).await;
    holds_at_both_doors(WithIdentity::new).await;
    holds_at_both_doors(WithItsOwn::new).await;
    holds_at_both_doors(|| Whole { tokens: Tokens }).await;
    holds_at_both_doors(|| Meta(Tokens)).await;
    crate::holds_alone(OnMethod { tokens: Tokens }).await;
}

#[tokio::test]
async fn an_open_method_stays_open() {
    let server = tonic::transport::Server::builder()
        .add_service(crate::pb::shape_server::ShapeServer::new(Open));
    let server = tonic_guard_tests::Running::start(server).await;
    assert_eq!(crate::call(&server, &[]).await.unwrap(), "ran");
}
