//! A service that is guarded in another module than its implementation.

use tonic::{Code, Request, transport::Server};
use tonic_guard::guard;
use tonic_guard_suite_support::{
    Running,
    pb::{Note, extra_client::ExtraClient, extra_server::ExtraServer},
    request,
};

// Lints that a public library may enable and that apply to generated code.
#[deny(
    missing_debug_implementations,
    missing_docs,
    private_interfaces,
    unnameable_types,
    unreachable_pub
)]
mod implementation {
    use tonic::{Request, Response, Status};
    use tonic_guard::{Authenticate, authenticated};
    use tonic_guard_suite_support::{
        Tokens,
        pb::{Note, extra_server::Extra},
    };

    #[derive(Authenticate)]
    pub(crate) struct Service {
        #[verifies("bearer")]
        pub(crate) tokens: Tokens,
    }

    #[authenticated(scheme = "bearer")]
    #[tonic::async_trait]
    impl Extra for Service {
        async fn unary(&self, request: Request<Note>) -> Result<Response<Note>, Status> {
            Ok(Response::new(request.into_inner()))
        }

        async fn get_url(&self, request: Request<Note>) -> Result<Response<Note>, Status> {
            Ok(Response::new(request.into_inner()))
        }
    }
}

#[tokio::test]
async fn service_of_another_module_is_guarded() {
    let service = implementation::Service { tokens: tonic_guard_suite_support::Tokens };
    let server = Server::builder().add_service(guard(service, ExtraServer::from_arc));
    let server = Running::start(server).await;
    let mut client = ExtraClient::new(server.channel().await);
    let rejected = client.unary(Request::new(Note::default())).await.unwrap_err();
    assert_eq!(rejected.code(), Code::Unauthenticated);
    let note = Note { text: "hi".into(), payload: vec![] };
    let answer = client.unary(request(note, &[("authorization", "Bearer ada-token")])).await;
    assert_eq!(answer.unwrap().into_inner().text, "hi");
}
