//! A service of 120 methods. `build.rs` writes the proto and the impl.

use tonic::{Code, Request, Response, Status, transport::Server};
use tonic_guard::{Authenticate, authenticated, guard, policy_of};
use tonic_guard_suite_support::{Running, Tokens, request};

use crate::{ADA, EVE};

#[allow(missing_docs, clippy::all)]
mod pb {
    tonic::include_proto!("guard.shapes.wide.v1");
}

use pb::{
    Void,
    wide_client::WideClient,
    wide_server::{Wide, WideServer},
};

#[derive(Authenticate)]
struct Service(#[verifies("bearer")] Tokens);

include!(concat!(env!("OUT_DIR"), "/wide_impl.rs"));

#[tokio::test]
async fn each_method_has_its_declared_policy() {
    let server = Server::builder().add_service(guard(Service(Tokens), WideServer::from_arc));
    let server = Running::start(server).await;
    let mut client = WideClient::new(server.channel().await);
    let rejected = client.call0(request(Void {}, &[])).await.unwrap_err();
    assert_eq!(rejected.code(), Code::Unauthenticated);
    let rejected = client.call119(request(Void {}, EVE)).await.unwrap_err();
    assert_eq!(rejected.code(), Code::PermissionDenied);
    assert!(client.call119(request(Void {}, ADA)).await.is_ok());
    assert!(client.call118(request(Void {}, EVE)).await.is_ok());
}

#[test]
fn policy_table_has_every_method() {
    let policy = policy_of(WideServer::<Service>::from_arc);
    assert_eq!(policy.methods().len(), 120);
}
