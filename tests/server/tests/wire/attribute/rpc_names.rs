//! RPCs whose names camel case confuses: each is judged by its own policy.

use tonic::{Request, Response, Status, transport::Server};
use tonic_guard::{Authenticate, CallHead, authenticated, guard};
use tonic_guard_suite_support::{Running, Tokens, User, error_info, pb::Note, reason, request};

use crate::support::service::{ADA, note, says};

mod pb {
    tonic::include_proto!("guard.test.names.v1");
}

use pb::{
    names_client::NamesClient,
    names_server::{Names, NamesServer},
};

#[derive(Authenticate, Default)]
struct Service {
    #[verifies("bearer")]
    tokens: Tokens,
}

impl Service {
    async fn sees(&self, _: &User, head: &CallHead<'_>) -> Result<(), Status> {
        match head.headers().contains_key("x-ask") {
            true => Err(Status::aborted(head.rpc().map_or("", |rpc| rpc.method))),
            false => Ok(()),
        }
    }
}

#[authenticated]
#[tonic::async_trait]
impl Names for Service {
    #[authenticated(scheme = "bearer", authorize = Self::sees)]
    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("guarded")
    }

    #[anonymous(reason = "everyone may look", rpc = "Get_U_R_L")]
    async fn get_u_r_l(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("open")
    }
}

async fn served() -> Running {
    let service = guard(Service::default(), NamesServer::from_arc);
    Running::start(Server::builder().add_service(service)).await
}

#[tokio::test]
async fn each_method_has_its_own_policy() {
    let server = served().await;
    let mut client = NamesClient::new(server.channel().await);
    let rejected = client.get_url(request(note(""), &[])).await.unwrap_err();
    assert_eq!(reason(&rejected), "CREDENTIALS_MISSING");
    let admitted = client.get_url(request(note(""), &[ADA])).await.unwrap();
    assert_eq!(admitted.into_inner().text, "guarded");
    let admitted = client.get_u_r_l(request(note(""), &[])).await.unwrap();
    assert_eq!(admitted.into_inner().text, "open");
}

/// A caller may write the name in many ways. Answers and custom checks see one.
#[tokio::test]
async fn answers_and_checks_name_the_method_as_the_policy_does() {
    let service = guard(Service::default(), NamesServer::from_arc);
    assert_eq!(service.policy().methods()[0].method(), "GetUrl");
    let server = served().await;
    let mut client = NamesClient::new(server.channel().await);
    let rejected = client.get_url(request(note(""), &[])).await.unwrap_err();
    assert_eq!(error_info(&rejected).unwrap().2["method"], "GetUrl");
    let seen = client.get_url(request(note(""), &[ADA, ("x-ask", "1")])).await.unwrap_err();
    assert_eq!(seen.message(), "GetUrl");
}
