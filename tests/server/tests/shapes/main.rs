//! Every shape of real services compiles, and rejects and admits calls on the wire.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod arguments;
mod async_trait_paths;
mod bodies;
mod conditional;
mod desugared;
mod generics;
mod instrumented;
mod lints;
mod made_by_macros;
mod optional;
mod other_attributes;
mod receivers;
mod reexported;
mod requests;
mod returns;
mod shadowed;
mod streams;
mod two_services;
mod wide;

use tonic::{Code, Status, transport::Server};
use tonic_guard::{Guarded, guard};
use tonic_guard_suite_support::{Running, error_info, request};

use crate::pb::{
    Text,
    shape_client::ShapeClient,
    shape_server::{Shape, ShapeServer},
};

/// The generated services. The traits belong to this crate, because one shape implements them for
/// an `Arc`.
#[allow(missing_docs, clippy::all)]
pub(crate) mod pb {
    include!("../../../support/src/generated/guard.shapes.v1.rs");
}

/// The headers of a caller that is admitted.
const ADA: &[(&str, &str)] = &[("authorization", "Bearer ada-token")];
/// The headers of a known caller with fewer scopes.
const EVE: &[(&str, &str)] = &[("authorization", "Bearer eve-token")];

/// The answer of every handler here. It shows that the body ran.
pub(crate) fn ran() -> tonic::Response<Text> {
    tonic::Response::new(Text { text: "ran".to_owned() })
}

/// Asserts that callers without good credentials are rejected and `ada` is admitted, once by the
/// handler check alone and once by the guard.
async fn assert_guarded<T, M>(make: impl Fn() -> T)
where
    T: Shape + Guarded<M, ShapeServer<T>>,
    M: 'static,
{
    assert_handler_check(make()).await;
    let guarded = guard(make(), ShapeServer::from_arc);
    let server = Running::start(Server::builder().add_service(guarded)).await;
    let rejected = call(&server, &[]).await.unwrap_err();
    assert_eq!(rejected.code(), Code::Unauthenticated);
    let (_, _, metadata) = error_info(&rejected).unwrap();
    assert_eq!(
        metadata.get("method").map(String::as_str),
        Some("Call"),
        "the guard names the method in its rejection"
    );
    assert_eq!(call(&server, ADA).await.unwrap(), "ran");
}

/// As [`assert_guarded`], with the handler check alone.
async fn assert_handler_check(service: impl Shape) {
    let server = Server::builder().add_service(ShapeServer::new(service));
    let server = Running::start(server).await;
    let rejected = call(&server, &[]).await.unwrap_err();
    assert_eq!(rejected.code(), Code::Unauthenticated, "{rejected:?}");
    let rejected = call(&server, &[("authorization", "Bearer wrong")]).await.unwrap_err();
    assert_eq!(rejected.code(), Code::Unauthenticated, "{rejected:?}");
    assert_eq!(call(&server, ADA).await.unwrap(), "ran");
}

async fn call(server: &Running, headers: &[(&str, &str)]) -> Result<String, Status> {
    let mut client = ShapeClient::new(server.channel().await);
    let answer = client.call(request(Text { text: "hi".into() }, headers)).await?;
    Ok(answer.into_inner().text)
}
