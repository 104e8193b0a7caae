//! Two services implemented for one type.

use std::sync::Arc;

use tonic::{Code, Request, Response, Status, transport::Server};
use tonic_guard::{Authenticate, authenticated, guard_arc};
use tonic_guard_suite_support::{Running, Tokens, request};

use crate::{
    ADA, EVE, call,
    pb::{
        Text,
        other_client::OtherClient,
        other_server::{Other, OtherServer},
        shape_server::{self, Shape, ShapeServer},
    },
    ran,
};

#[derive(Authenticate)]
struct Service(#[verifies("bearer")] Tokens);

#[authenticated(scheme = "bearer", server = shape_server::ShapeServer)]
#[tonic::async_trait]
impl Shape for Service {
    async fn call(&self, _: Request<Text>) -> Result<Response<Text>, Status> {
        Ok(ran())
    }
}

#[authenticated(scheme = "bearer", scopes("write"), server = OtherServer)]
#[tonic::async_trait]
impl Other for Service {
    async fn call(&self, _: Request<Text>) -> Result<Response<Text>, Status> {
        Ok(ran())
    }
}

/// One macro generates both impls with one attribute.
mod generated_by_one_macro {
    use super::*;

    #[derive(Authenticate)]
    pub(super) struct Service(#[verifies("bearer")] pub(super) Tokens);

    macro_rules! impls {
        ($($service:ident by $server:ident;)*) => {$(
            #[authenticated(scheme = "bearer", scopes("write"), server = $server)]
            #[tonic::async_trait]
            impl $service for Service {
                async fn call(&self, _: Request<Text>) -> Result<Response<Text>, Status> {
                    Ok(ran())
                }
            }
        )*};
    }

    impls! { Shape by ShapeServer; Other by OtherServer; }
}

#[tokio::test]
async fn both_services_generated_by_one_macro_are_guarded() {
    let service = Arc::new(generated_by_one_macro::Service(Tokens));
    let server = Server::builder()
        .add_service(guard_arc(Arc::clone(&service), ShapeServer::from_arc))
        .add_service(guard_arc(service, OtherServer::from_arc));
    let server = Running::start(server).await;
    let mut other = OtherClient::new(server.channel().await);
    for (headers, code) in
        [(&[][..], Code::Unauthenticated), (EVE, Code::PermissionDenied), (ADA, Code::Ok)]
    {
        let answer = call(&server, headers).await;
        assert_eq!(answer.map_or_else(|rejected| rejected.code(), |_| Code::Ok), code);
        let answer = other.call(request(Text::default(), headers)).await;
        assert_eq!(answer.map_or_else(|rejected| rejected.code(), |_| Code::Ok), code);
    }
}

#[tokio::test]
async fn each_service_has_its_policy() {
    let service = Arc::new(Service(Tokens));
    let server = Server::builder()
        .add_service(guard_arc(Arc::clone(&service), ShapeServer::from_arc))
        .add_service(guard_arc(service, OtherServer::from_arc));
    let server = Running::start(server).await;
    let mut other = OtherClient::new(server.channel().await);
    assert_eq!(call(&server, &[]).await.unwrap_err().code(), Code::Unauthenticated);
    assert_eq!(call(&server, EVE).await.unwrap(), "ran");
    let rejected = other.call(request(Text::default(), &[])).await.unwrap_err();
    assert_eq!(rejected.code(), Code::Unauthenticated);
    let rejected = other.call(request(Text::default(), EVE)).await.unwrap_err();
    assert_eq!(rejected.code(), Code::PermissionDenied);
    assert_eq!(other.call(request(Text::default(), ADA)).await.unwrap().into_inner().text, "ran");
}
