//! Impls with generic parameters: types with bounds, constants, lifetimes.

use std::{fmt::Debug, marker::PhantomData};

use tonic::{Request, Response, Status};
use tonic_guard::{Authenticate, authenticated, scheme::Bearer};
use tonic_guard_suite_support::{Tokens, User};

use crate::{
    assert_guarded, assert_handler_check,
    pb::{Text, shape_server::Shape},
    ran,
};

trait Store: Send + Sync + 'static {
    type Key: Debug + Send + Sync + 'static;
}

struct Memory;

impl Store for Memory {
    type Key = u8;
}

mod types {
    use super::*;

    #[derive(Authenticate)]
    struct Server<T: Store, V, K>
    where
        K: Debug,
    {
        #[verifies("bearer")]
        tokens: V,
        store: T,
        key: PhantomData<K>,
    }

    #[authenticated(scheme = "bearer", authorize = Self::known)]
    #[tonic::async_trait]
    impl<T, V: Authenticate<Bearer, Identity = User> + 'static, K> Shape for Server<T, V, K>
    where
        T: Store<Key = K>,
        K: Debug + Send + Sync + 'static,
    {
        async fn call(
            &self,
            _: Request<Text>,
            #[identity] caller: User,
        ) -> Result<Response<Text>, Status> {
            let _: (&V, &T) = (&self.tokens, &self.store);
            assert_eq!(caller.name, "ada");
            Ok(ran())
        }
    }

    impl<T: Store<Key = K>, V: Send + Sync, K: Debug + Send + Sync> Server<T, V, K> {
        async fn known(
            &self,
            _: &User,
            _: &tonic_guard::CallHead<'_>,
        ) -> Result<(), tonic_guard::AuthError> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn unauthenticated_calls_are_rejected() {
        assert_guarded(|| Server { tokens: Tokens, store: Memory, key: PhantomData::<u8> }).await;
    }
}

mod constants {
    use super::*;

    #[derive(Authenticate)]
    struct Server<const SHARDS: usize>(#[verifies("bearer")] Tokens);

    #[authenticated(scheme = "bearer" via self.0)]
    #[tonic::async_trait]
    impl<const SHARDS: usize> Shape for Server<SHARDS> {
        async fn call(&self, _: Request<Text>) -> Result<Response<Text>, Status> {
            assert_eq!(SHARDS, 4);
            Ok(ran())
        }
    }

    #[derive(Authenticate)]
    struct OnMethod<const SHARDS: usize>(#[verifies("bearer")] Tokens);

    #[tonic::async_trait]
    impl<const SHARDS: usize> Shape for OnMethod<SHARDS> {
        #[authenticated(scheme = "bearer")]
        async fn call(&self, _: Request<Text>) -> Result<Response<Text>, Status> {
            Ok(ran())
        }
    }

    #[tokio::test]
    async fn unauthenticated_calls_are_rejected() {
        assert_guarded(|| Server::<4>(Tokens)).await;
        assert_handler_check(OnMethod::<4>(Tokens)).await;
    }
}

/// A user-written trait, because tonic's traits require `'static`.
mod lifetimes {
    use super::*;

    #[tonic::async_trait]
    trait Scoped: Send + Sync {
        async fn read(&self, request: Request<Text>) -> Result<Response<Text>, Status>;
    }

    #[derive(Authenticate)]
    struct OnMethod<'a> {
        #[verifies("bearer")]
        tokens: &'a Tokens,
    }

    #[tonic::async_trait]
    impl<'a> Scoped for OnMethod<'a> {
        #[authenticated(scheme = "bearer")]
        async fn read(&self, _: Request<Text>) -> Result<Response<Text>, Status> {
            Ok(ran())
        }
    }

    #[derive(Authenticate)]
    struct OnImpl<'a, T> {
        #[verifies("bearer")]
        tokens: &'a Tokens,
        other: &'a T,
    }

    #[authenticated(scheme = "bearer")]
    #[tonic::async_trait]
    impl<'a, T: Send + Sync> Scoped for OnImpl<'a, T> {
        async fn read(
            &self,
            _: Request<Text>,
            #[identity] caller: User,
        ) -> Result<Response<Text>, Status> {
            let _: (&Tokens, &T) = (self.tokens, self.other);
            assert_eq!(caller.name, "ada");
            Ok(ran())
        }
    }

    /// Lends its parts to a service for each call.
    struct Server(Tokens);

    #[tonic::async_trait]
    impl Shape for Server {
        async fn call(&self, request: Request<Text>) -> Result<Response<Text>, Status> {
            let borrowing = OnImpl { tokens: &self.0, other: &() };
            if !request.metadata().contains_key("authorization") {
                return OnMethod { tokens: &self.0 }.read(request).await;
            }
            borrowing.read(request).await
        }
    }

    #[tokio::test]
    async fn unauthenticated_calls_are_rejected() {
        assert_handler_check(Server(Tokens)).await;
    }
}
