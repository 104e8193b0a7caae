//! `#[instrument]` above and below ours, on the method and on the impl.

use tonic::{Request, Response, Status};
use tonic_guard::{Authenticate, authenticated};
use tonic_guard_tests::{Tokens, User};
use tracing::instrument;

use crate::{
    holds_alone, holds_at_both_doors,
    pb::{Text, shape_server::Shape},
    ran,
};

mod above_ours {
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
    async fn strangers_are_refused() {
        holds_alone(Service(Tokens)).await;
        holds_alone(RecordsAll(Tokens)).await;
    }
}

mod below_ours {
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
    async fn strangers_are_refused() {
        holds_alone(Service(Tokens)).await;
    }
}

mod under_an_impls_attribute {
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
    async fn strangers_are_refused() {
        holds_at_both_doors(|| Above(Tokens)).await;
        holds_at_both_doors(|| Below(Tokens)).await;
        holds_at_both_doors(|| Override(Tokens)).await;
    }
}
