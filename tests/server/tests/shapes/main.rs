//! Every shape that real services have compiles, and refuses and admits on the wire.

#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod arguments;
mod async_trait_paths;
mod bodies;
mod conditional;
mod desugared;
mod generics;
mod instrumented;
mod made_by_macros;
mod optional;
mod receivers;
mod reexported;
mod requests;
mod returns;
mod shadowed;
mod lints;
mod streams;
mod two_services;
mod wide;
mod other_attributes;

use tonic::{Code, Status, transport::Server};
use tonic_guard::{Guarded, guard};
use tonic_guard_tests::{Running, error_info, request};

use crate::pb::{
    Text,
    shape_client::ShapeClient,
    shape_server::{Shape, ShapeServer},
};

/// The generated services. The traits are of this crate: one of the shapes implements them for an `Arc`.
#[allow(missing_docs, clippy::all)]
pub(crate) mod pb {
    tonic::include_proto!("guard.shapes.v1");
}

/// The headers of a caller who gets in.
const ADA: &[(&str, &str)] = &[("authorization", "Bearer ada-token")];
/// The headers of one who is known, and has fewer scopes.
const EVE: &[(&str, &str)] = &[("authorization", "Bearer eve-token")];

/// The answer of every handler here: its body ran.
pub(crate) fn ran() -> tonic::Response<Text> {
    tonic::Response::new(Text { text: "ran".to_owned() })
}

/// A caller without credentials is refused and one with a good token let in: by the method's own
/// door where nothing else is mounted, and by the front door.
async fn holds_at_both_doors<T, M>(make: impl Fn() -> T)
where
    T: Shape + Guarded<M, ShapeServer<T>>,
    M: 'static,
{
    holds_alone(make()).await;
    let guarded = guard(make(), ShapeServer::from_arc);
    let server = Running::start(Server::builder().add_service(guarded)).await;
    let refused = call(&server, &[]).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    let (_, _, metadata) = error_info(&refused).unwrap();
    assert_eq!(metadata.get("method").map(String::as_str), Some("Call"), "by the front door");
    assert_eq!(call(&server, ADA).await.unwrap(), "ran");
}

/// As [`holds_at_both_doors`], with the method's own door alone.
async fn holds_alone(service: impl Shape) {
    let server = Server::builder().add_service(ShapeServer::new(service));
    let server = Running::start(server).await;
    let refused = call(&server, &[]).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated, "{refused:?}");
    let refused = call(&server, &[("authorization", "Bearer wrong")]).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated, "{refused:?}");
    assert_eq!(call(&server, ADA).await.unwrap(), "ran");
}

async fn call(server: &Running, headers: &[(&str, &str)]) -> Result<String, Status> {
    let mut client = ShapeClient::new(server.channel().await);
    let answer = client.call(request(Text { text: "hi".into() }, headers)).await?;
    Ok(answer.into_inner().text)
}
