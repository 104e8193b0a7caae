//! What a refused caller gets: each row of the table in the crate's documentation, at both doors.

use tonic::{Code, Request, Response, Status, transport::Server};
use tonic_guard::{Authenticate, authenticated, guard};
use tonic_guard_tests::{
    Keys, Passwords, Running, Tokens, User, challenges, error_info,
    pb::{
        Note,
        extra_client::ExtraClient,
        extra_server::{Extra, ExtraServer},
    },
    request,
};

#[derive(Authenticate)]
struct Service {
    #[verifies("bearer")]
    tokens: Tokens,
    #[verifies("basic")]
    passwords: Passwords,
    #[verifies("api-key")]
    keys: Keys,
}

impl Service {
    fn new() -> Self {
        Service { tokens: Tokens, passwords: Passwords, keys: Keys::default() }
    }
}

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Extra for Service {
    #[authenticated(scheme = "bearer", scopes("read", "write"))]
    async fn unary(
        &self,
        request: Request<Note>,
        #[identity] caller: User,
    ) -> Result<Response<Note>, Status> {
        let Note { text, payload } = request.into_inner();
        Ok(Response::new(Note { text: format!("{} says {text}", caller.name), payload }))
    }

    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        Ok(Response::new(Note::default()))
    }
}

#[tokio::test]
async fn a_caller_with_a_good_token_gets_its_answer() {
    let server = Server::builder().add_service(guard(Service::new(), ExtraServer::from_arc));
    let server = Running::start(server).await;
    let mut client = ExtraClient::new(server.channel().await);
    let note = Note { text: "hi".into(), payload: vec![] };
    let answer = client.unary(request(note, &[("authorization", "Bearer ada-token")])).await;
    assert_eq!(answer.unwrap().into_inner().text, "ada says hi");
    let refused = client.unary(request(Note::default(), &[])).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    println!("{refused:?} {:?} {:?}", error_info(&refused), challenges(&refused));
    let refused = client
        .unary(request(Note::default(), &[("authorization", "Bearer eve-token")]))
        .await
        .unwrap_err();
    println!("{refused:?} {:?} {:?}", error_info(&refused), challenges(&refused));
    let refused =
        client.get_url(request(Note::default(), &[("authorization", "Bearer eve-token")])).await;
    println!("{refused:?}");
}
