//! `#[instrument]` above and below `#[authenticated]`, on the method and on the impl.

use tonic::{Request, Response, Status};
use tonic_guard::{Authenticate, authenticated};
use tonic_guard_suite_support::{Tokens, User};
use tracing::instrument;

use crate::{
    assert_guarded, assert_handler_check,
    pb::{Text, shape_server::Shape},
    ran,
};

mod above_authenticated {
    use super::*;

    #[derive(Authenticate)]
    struct Service(#[verifies("bearer")] Tokens);

    #[tonic::async_trait]
    impl Shape for Service {
        #[instrument(skip_all, fields(text = request.get_ref().text))]
        #[authenticated(scheme = "bearer")]
        async fn call(&self, request: Request<Text>) -> Result<Response<Text>, Status> {
            assert_eq!(request.into_inner().text, "hi");
            Ok(ran())
        }
    }

    #[derive(Authenticate)]
    struct RecordsAll(#[verifies("bearer")] Tokens);

    #[tonic::async_trait]
    impl Shape for RecordsAll {
        #[tracing::instrument(level = "debug", skip(self), ret, err)]
        #[authenticated(scheme = "bearer")]
        async fn call(&self, mut request: Request<Text>) -> Result<Response<Text>, Status> {
            request.get_mut().text.clear();
            Ok(ran())
        }
    }

    #[tokio::test]
    async fn unauthenticated_calls_are_rejected() {
        assert_handler_check(Service(Tokens)).await;
        assert_handler_check(RecordsAll(Tokens)).await;
    }
}

mod below_authenticated {
    use super::*;

    #[derive(Authenticate)]
    struct Service(#[verifies("bearer")] Tokens);

    #[tonic::async_trait]
    impl Shape for Service {
        #[authenticated(scheme = "bearer")]
        #[instrument(skip_all, fields(text = request.get_ref().text), err)]
        async fn call(
            &self,
            request: Request<Text>,
            #[identity] caller: User,
        ) -> Result<Response<Text>, Status> {
            assert_eq!((request.into_inner().text.as_str(), caller.name.as_str()), ("hi", "ada"));
            Ok(ran())
        }
    }

    #[tokio::test]
    async fn unauthenticated_calls_are_rejected() {
        assert_handler_check(Service(Tokens)).await;
    }
}

mod with_the_attribute_on_the_impl {
    use super::*;

    #[derive(Authenticate)]
    struct Above(#[verifies("bearer")] Tokens);

    #[authenticated(scheme = "bearer")]
    #[tonic::async_trait]
    impl Shape for Above {
        #[instrument(skip_all, fields(text = request.get_ref().text))]
        async fn call(
            &self,
            request: Request<Text>,
            #[identity] caller: User,
        ) -> Result<Response<Text>, Status> {
            assert_eq!((request.into_inner().text.as_str(), caller.name.as_str()), ("hi", "ada"));
            Ok(ran())
        }
    }

    #[derive(Authenticate)]
    struct Below(#[verifies("bearer")] Tokens);

    #[tonic::async_trait]
    #[authenticated(scheme = "bearer")]
    impl Shape for Below {
        #[instrument(skip_all, fields(text = request.get_ref().text))]
        async fn call(
            &self,
            request: Request<Text>,
            #[identity] caller: User,
        ) -> Result<Response<Text>, Status> {
            assert_eq!((request.into_inner().text.as_str(), caller.name.as_str()), ("hi", "ada"));
            Ok(ran())
        }
    }

    #[derive(Authenticate)]
    struct Override(#[verifies("bearer")] Tokens);

    #[authenticated]
    #[tonic::async_trait]
    impl Shape for Override {
        #[instrument(skip_all)]
        #[authenticated(scheme = "bearer")]
        #[instrument(skip_all)]
        async fn call(
            &self,
            _: Request<Text>,
            #[identity] caller: User,
        ) -> Result<Response<Text>, Status> {
            assert_eq!(caller.name, "ada");
            Ok(ran())
        }
    }

    #[tokio::test]
    async fn unauthenticated_calls_are_rejected() {
        assert_guarded(|| Above(Tokens)).await;
        assert_guarded(|| Below(Tokens)).await;
        assert_guarded(|| Override(Tokens)).await;
    }
}
