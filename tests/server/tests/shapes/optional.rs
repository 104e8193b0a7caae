//! The calls that `optional` admits and rejects.

use tonic::{Code, Request, Response, Status, transport::Server};
use tonic_guard::{
    Authenticate, authenticated, guard,
    scheme::{FromExtensions, TrustExtension},
};
use tonic_guard_suite_support::{Running, Tokens, User};

use crate::{
    ADA, call,
    pb::{
        Text,
        shape_server::{Shape, ShapeServer},
    },
    ran,
};

#[derive(Authenticate)]
struct Service(#[verifies("bearer")] Tokens);

#[authenticated]
#[tonic::async_trait]
impl Shape for Service {
    #[authenticated(scheme = optional("bearer"))]
    async fn call(
        &self,
        _: Request<Text>,
        #[identity] caller: Option<User>,
    ) -> Result<Response<Text>, Status> {
        let text = caller.map_or_else(|| "nobody".to_owned(), |caller| caller.name);
        Ok(Response::new(Text { text }))
    }
}

#[tokio::test]
async fn absent_credentials_are_admitted_and_bad_ones_are_rejected() {
    for server in [
        Server::builder().add_service(guard(Service(Tokens), ShapeServer::from_arc)),
        Server::builder().add_service(ShapeServer::new(Service(Tokens))),
    ] {
        let server = Running::start(server).await;
        assert_eq!(call(&server, &[]).await.unwrap(), "nobody");
        assert_eq!(call(&server, ADA).await.unwrap(), "ada");
        let rejected = call(&server, &[("authorization", "Bearer wrong")]).await.unwrap_err();
        assert_eq!(rejected.code(), Code::Unauthenticated);
    }
}

#[derive(Clone, Debug)]
struct FromALayer;

/// The attribute can't see through this constant that it is a `FromExtensions`.
const FROM_A_LAYER: FromExtensions<FromALayer> = FromExtensions::new();

struct Trusting;

#[authenticated]
#[tonic::async_trait]
impl Shape for Trusting {
    #[authenticated(scheme = optional(FROM_A_LAYER via TrustExtension))]
    async fn call(&self, _: Request<Text>) -> Result<Response<Text>, Status> {
        Ok(ran())
    }
}

#[tokio::test]
async fn call_is_rejected_if_the_layer_is_missing() {
    let with_layer = |mut request: Request<()>| {
        request.extensions_mut().insert(FromALayer);
        Ok(request)
    };
    let guarded = || guard(Trusting, ShapeServer::from_arc);
    let server = Running::start(Server::builder().add_service(guarded())).await;
    assert_eq!(call(&server, &[]).await.unwrap_err().code(), Code::Unauthenticated);
    let without_guard = Server::builder().add_service(ShapeServer::new(Trusting));
    let server = Running::start(without_guard).await;
    assert_eq!(call(&server, &[]).await.unwrap_err().code(), Code::Unauthenticated);
    let layered = tonic::service::interceptor::InterceptedService::new(guarded(), with_layer);
    let server = Running::start(Server::builder().add_service(layered)).await;
    assert_eq!(call(&server, &[]).await.unwrap(), "ran");
}
