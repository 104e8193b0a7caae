//! `authorize` and `authorize_request`.

use tonic::{Code, Request, Response, Status, transport::Server};
use tonic_guard::{AuthError, Authenticate, CallHead, authenticated, guard};
use tonic_guard_suite_support::{
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
    checked: Ran,
    ran: Ran,
}

impl Service {
    /// Reports the parts of the call head that it sees in the message of its rejection.
    async fn sees_the_head(&self, user: &User, head: &CallHead<'_>) -> Result<(), Status> {
        self.checked.once();
        if head.headers().contains_key("x-admit") {
            return Ok(());
        }
        let rpc = head.rpc().map(|rpc| format!("{}/{}", rpc.service, rpc.method));
        let here = head.peer().is_some_and(|peer| peer.ip().is_loopback());
        Err(Status::resource_exhausted(format!("{} {rpc:?} {here}", user.name)))
    }

    async fn owns(&self, caller: &Caller, request: &Request<Note>) -> Result<(), AuthError> {
        self.checked.once();
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

async fn served(with_guard: bool) -> (Running, Ran, Ran) {
    let service = Service::default();
    let (checked, ran) = (service.checked.clone(), service.ran.clone());
    let mut server = Server::builder();
    let server = match with_guard {
        true => server.add_service(guard(service, ExtraServer::from_arc)),
        false => server.add_service(ExtraServer::new(service)),
    };
    (Running::start(server).await, checked, ran)
}

const ADMITTED: (&str, &str) = ("x-admit", "1");

#[tokio::test]
async fn authorize_reads_the_call_head_and_its_status_is_the_answer() {
    for with_guard in [true, false] {
        let (server, checked, ran) = served(with_guard).await;
        let rejected = call(&server, &[ADA]).await.unwrap_err();
        assert_eq!(rejected.code(), Code::ResourceExhausted);
        let seen = match with_guard {
            true => "ada Some(\"guard.test.v1.Extra/Unary\") true",
            false => "ada None true",
        };
        assert_eq!(rejected.message(), seen);
        assert_eq!((checked.times(), ran.times()), (1, 0));
        assert!(call(&server, &[ADA, ADMITTED]).await.is_ok());
        assert_eq!(
            (checked.times(), ran.times()),
            (2, 1),
            "once per call, with or without a guard"
        );
    }
}

#[tokio::test]
async fn authorize_runs_after_the_declared_checks() {
    for with_guard in [true, false] {
        let (server, checked, ran) = served(with_guard).await;
        for (headers, why) in [
            (&[ADMITTED][..], "CREDENTIALS_MISSING"),
            (&[("authorization", "Bearer x"), ADMITTED], "CREDENTIALS_INVALID"),
            (&[EVE, ADMITTED], "ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        ] {
            assert_eq!(reason(&call(&server, headers).await.unwrap_err()), why);
        }
        assert_eq!((checked.times(), ran.times()), (0, 0));
    }
}

async fn get_url(server: &Running, text: &str, headers: &[(&str, &str)]) -> Result<String, Status> {
    let mut client = ExtraClient::new(server.channel().await);
    Ok(client.get_url(request(note(text), headers)).await?.into_inner().text)
}

#[tokio::test]
async fn authorize_request_reads_the_message_and_its_rejection_omits_the_method() {
    for with_guard in [true, false] {
        let (server, checked, ran) = served(with_guard).await;
        let rejected = get_url(&server, "eve", &[ADA]).await.unwrap_err();
        assert_eq!(rejected.code(), Code::PermissionDenied);
        let (reason, _, metadata) = error_info(&rejected).unwrap();
        assert_eq!(reason, "PERMISSION_DENIED");
        assert!(
            !metadata.contains_key("service") && !metadata.contains_key("method"),
            "{metadata:?}"
        );
        assert_eq!((checked.times(), ran.times()), (1, 0));
        assert_eq!(get_url(&server, "ada", &[ADA]).await.unwrap(), "ada");
        assert_eq!(get_url(&server, "acme", &[ACME]).await.unwrap(), "acme");
        assert_eq!((checked.times(), ran.times()), (3, 2));
    }
}

#[tokio::test]
async fn authorize_request_runs_after_the_declared_checks() {
    for with_guard in [true, false] {
        let (server, checked, ran) = served(with_guard).await;
        let rejected = get_url(&server, "ada", &[]).await.unwrap_err();
        assert_eq!(reason(&rejected), "CREDENTIALS_MISSING");
        assert_eq!(error_info(&rejected).unwrap().2.contains_key("method"), with_guard);
        assert!(get_url(&server, "ada", &[("authorization", "Bearer x")]).await.is_err());
        assert_eq!((checked.times(), ran.times()), (0, 0));
    }
}

#[derive(Authenticate, Default)]
struct Odd {
    #[verifies("bearer")]
    tokens: Tokens,
}

impl Odd {
    async fn rejects_with_ok(&self, _: &User, _: &CallHead<'_>) -> Result<(), Status> {
        Err(Status::ok("all is well"))
    }

    async fn is_unavailable(&self, _: &User, _: &CallHead<'_>) -> Result<(), AuthError> {
        Err(AuthError::unavailable().because("the policy engine is out of reach"))
    }
}

#[authenticated]
#[tonic::async_trait]
impl Extra for Odd {
    #[authenticated(scheme = "bearer", authorize = Self::rejects_with_ok)]
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("in")
    }

    #[authenticated(scheme = "bearer", authorize = Self::is_unavailable)]
    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("in")
    }
}

#[tokio::test]
async fn check_that_rejects_with_ok_is_an_internal_error() {
    for with_guard in [true, false] {
        let mut server = Server::builder();
        let server = match with_guard {
            true => server.add_service(guard(Odd::default(), ExtraServer::from_arc)),
            false => server.add_service(ExtraServer::new(Odd::default())),
        };
        let server = Running::start(server).await;
        let rejected = call(&server, &[ADA]).await.unwrap_err();
        assert_eq!(rejected.code(), Code::Internal);
        assert_eq!(rejected.message(), "the call could not be checked");
        let rejected = get_url(&server, "", &[ADA]).await.unwrap_err();
        assert_eq!(rejected.code(), Code::Unavailable);
        assert_eq!(reason(&rejected), "AUTHENTICATOR_UNAVAILABLE");
        // The handler hasn't run, and the rejection of a guard names the method.
        assert_eq!(error_info(&rejected).unwrap().2.contains_key("method"), with_guard);
        assert!(!format!("{rejected:?}").contains("policy engine"));
    }
}
