//! `authorize` and `authorize_request`.

use tonic::{Code, Request, Response, Status, transport::Server};
use tonic_guard::{AuthError, Authenticate, CallHead, authenticated, guard};
use tonic_guard_tests::{
    Caller, Keys, Running, Tokens, User, error_info,
    pb::{
        Note,
        extra_client::ExtraClient,
        extra_server::{Extra, ExtraServer},
    },
    reason, request,
};

use crate::support::service::{ACME, ADA, EVE, Ran, call, note, says};

#[derive(Authenticate, Default)]
struct Service {
    #[verifies("bearer")]
    tokens: Tokens,
    #[verifies("api-key")]
    keys: Keys,
    asked: Ran,
    ran: Ran,
}

impl Service {
    /// Tells what it sees of the head by how it refuses.
    async fn sees_the_head(&self, user: &User, head: &CallHead<'_>) -> Result<(), Status> {
        self.asked.once();
        if head.headers().contains_key("x-let-me-in") {
            return Ok(());
        }
        let rpc = head.rpc().map(|rpc| format!("{}/{}", rpc.service, rpc.method));
        let here = head.peer().is_some_and(|peer| peer.ip().is_loopback());
        Err(Status::resource_exhausted(format!("{} {rpc:?} {here}", user.name)))
    }

    async fn owns(&self, caller: &Caller, request: &Request<Note>) -> Result<(), AuthError> {
        self.asked.once();
        if request.get_ref().text == caller.name() { Ok(()) } else { Err(AuthError::denied()) }
    }
}

#[authenticated]
#[tonic::async_trait]
impl Extra for Service {
    #[authenticated(scheme = "bearer", scopes("write"), authorize = Self::sees_the_head)]
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        self.ran.once();
        says("")
    }

    #[authenticated(scheme = one_of("bearer", "api-key"), authorize_request = Self::owns)]
    async fn get_url(
        &self,
        _: Request<Note>,
        #[identity] caller: Caller,
    ) -> Result<Response<Note>, Status> {
        self.ran.once();
        says(caller.name())
    }
}

async fn served(front: bool) -> (Running, Ran, Ran) {
    let service = Service::default();
    let (asked, ran) = (service.asked.clone(), service.ran.clone());
    let mut server = Server::builder();
    let server = match front {
        true => server.add_service(guard(service, ExtraServer::from_arc)),
        false => server.add_service(ExtraServer::new(service)),
    };
    (Running::start(server).await, asked, ran)
}

const LET_IN: (&str, &str) = ("x-let-me-in", "please");

#[tokio::test]
async fn authorize_sees_the_head_and_its_status_is_the_answer() {
    for front in [true, false] {
        let (server, asked, ran) = served(front).await;
        let refused = call(&server, &[ADA]).await.unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        let seen = match front {
            true => "ada Some(\"guard.test.v1.Extra/Unary\") true",
            false => "ada None true",
        };
        assert_eq!(refused.message(), seen);
        assert_eq!((asked.times(), ran.times()), (1, 0));
        assert!(call(&server, &[ADA, LET_IN]).await.is_ok());
        assert_eq!((asked.times(), ran.times()), (2, 1), "once a call, whatever doors there are");
    }
}

#[tokio::test]
async fn authorize_runs_after_the_declared_checks() {
    for front in [true, false] {
        let (server, asked, ran) = served(front).await;
        for (headers, why) in [
            (&[LET_IN][..], "CREDENTIALS_MISSING"),
            (&[("authorization", "Bearer x"), LET_IN], "CREDENTIALS_INVALID"),
            (&[EVE, LET_IN], "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        ] {
            assert_eq!(reason(&call(&server, headers).await.unwrap_err()), why);
        }
        assert_eq!((asked.times(), ran.times()), (0, 0));
    }
}

async fn get_url(server: &Running, text: &str, headers: &[(&str, &str)]) -> Result<String, Status> {
    let mut client = ExtraClient::new(server.channel().await);
    Ok(client.get_url(request(note(text), headers)).await?.into_inner().text)
}

#[tokio::test]
async fn authorize_request_reads_the_message_and_refuses_without_naming_the_method() {
    for front in [true, false] {
        let (server, asked, ran) = served(front).await;
        let refused = get_url(&server, "eve", &[ADA]).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
        let (reason, _, told) = error_info(&refused).unwrap();
        assert_eq!(reason, "PERMISSION_DENIED");
        assert!(!told.contains_key("service") && !told.contains_key("method"), "{told:?}");
        assert_eq!((asked.times(), ran.times()), (1, 0));
        assert_eq!(get_url(&server, "ada", &[ADA]).await.unwrap(), "ada");
        assert_eq!(get_url(&server, "acme", &[ACME]).await.unwrap(), "acme");
        assert_eq!((asked.times(), ran.times()), (3, 2));
    }
}

#[tokio::test]
async fn authorize_request_runs_after_the_declared_checks() {
    for front in [true, false] {
        let (server, asked, ran) = served(front).await;
        let refused = get_url(&server, "ada", &[]).await.unwrap_err();
        assert_eq!(reason(&refused), "CREDENTIALS_MISSING");
        assert_eq!(error_info(&refused).unwrap().2.contains_key("method"), front);
        assert!(get_url(&server, "ada", &[("authorization", "Bearer x")]).await.is_err());
        assert_eq!((asked.times(), ran.times()), (0, 0));
    }
}

#[derive(Authenticate, Default)]
struct Odd {
    #[verifies("bearer")]
    tokens: Tokens,
}

impl Odd {
    async fn says_ok(&self, _: &User, _: &CallHead<'_>) -> Result<(), Status> {
        Err(Status::ok("all is well"))
    }

    async fn cannot_tell(&self, _: &User, _: &CallHead<'_>) -> Result<(), AuthError> {
        Err(AuthError::unavailable().because("the policy engine is out of reach"))
    }
}

#[authenticated]
#[tonic::async_trait]
impl Extra for Odd {
    #[authenticated(scheme = "bearer", authorize = Self::says_ok)]
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("in")
    }

    #[authenticated(scheme = "bearer", authorize = Self::cannot_tell)]
    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("in")
    }
}

#[tokio::test]
async fn a_check_that_refuses_with_ok_is_an_internal_error() {
    for front in [true, false] {
        let mut server = Server::builder();
        let server = match front {
            true => server.add_service(guard(Odd::default(), ExtraServer::from_arc)),
            false => server.add_service(ExtraServer::new(Odd::default())),
        };
        let server = Running::start(server).await;
        let refused = call(&server, &[ADA]).await.unwrap_err();
        assert_eq!(refused.code(), Code::Internal);
        assert_eq!(refused.message(), "the call could not be checked");
        let refused = get_url(&server, "", &[ADA]).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
        assert_eq!(reason(&refused), "AUTHENTICATOR_UNAVAILABLE");
        // The handler hasn't run, and at the front door the refusal says so.
        assert_eq!(error_info(&refused).unwrap().2.contains_key("method"), front);
        assert!(!format!("{refused:?}").contains("policy engine"));
    }
}
