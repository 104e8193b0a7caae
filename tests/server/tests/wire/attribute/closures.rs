//! Custom checks that are closures, which pass arguments to a function of the service.

use tonic::{Code, Request, Response, Status, transport::Server};
use tonic_guard::{AuthError, Authenticate, CallHead, authenticated, guard, policy_of};
use tonic_guard_suite_support::{
    Caller, Keys, Running, Tokens, User,
    pb::{
        Note,
        extra_client::ExtraClient,
        extra_server::{Extra, ExtraServer},
    },
    reason, request,
};

use crate::support::service::{ACME, ADA, EVE, Ran, call, note, says};

enum Flag {
    Read,
    Write,
}

#[derive(Authenticate, Default)]
struct Service {
    #[verifies("bearer")]
    tokens: Tokens,
    #[verifies("api-key")]
    keys: Keys,
    ran: Ran,
}

impl Service {
    /// Tenants belong to the caller of the same name. `eve` may read alone.
    async fn of_tenant(&self, caller: &str, tenant: &str, flag: Flag) -> Result<(), AuthError> {
        let may = match flag {
            Flag::Read => true,
            Flag::Write => caller != "eve",
        };
        if may && caller == tenant { Ok(()) } else { Err(AuthError::denied()) }
    }

    async fn has_header(&self, user: &User, head: &CallHead<'_>, name: &str) -> Result<(), Status> {
        match head.headers().contains_key(name) {
            true => Ok(()),
            false => Err(Status::failed_precondition(format!("{} sent no {name}", user.name))),
        }
    }
}

#[authenticated]
#[tonic::async_trait]
impl Extra for Service {
    #[authenticated(
        scheme = "bearer",
        authorize = |user, head| self.has_header(user, head, "x-admit"),
        authorize_request = |user, request| {
            let tenant = &request.get_ref().text;
            self.of_tenant(&user.name, tenant, Flag::Write)
        },
    )]
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        self.ran.once();
        says("in")
    }

    #[authenticated(
        scheme = one_of("bearer", "api-key"),
        authorize_request = |caller: &Caller, request| self.of_tenant(caller.name(), request.get_ref().text.trim(), Flag::Read),
    )]
    async fn get_url(
        &self,
        _: Request<Note>,
        #[identity] caller: Caller,
    ) -> Result<Response<Note>, Status> {
        self.ran.once();
        says(caller.name())
    }
}

async fn served(with_guard: bool) -> (Running, Ran) {
    let service = Service::default();
    let ran = service.ran.clone();
    let mut server = Server::builder();
    let server = match with_guard {
        true => server.add_service(guard(service, ExtraServer::from_arc)),
        false => server.add_service(ExtraServer::new(service)),
    };
    (Running::start(server).await, ran)
}

const ADMIT: (&str, &str) = ("x-admit", "1");

#[tokio::test]
async fn closures_check_the_call_head_and_the_request() {
    for with_guard in [true, false] {
        let (server, ran) = served(with_guard).await;
        let mut client = ExtraClient::new(server.channel().await);
        assert_eq!(reason(&call(&server, &[]).await.unwrap_err()), "CREDENTIALS_MISSING");
        let rejected = client.unary(request(note("ada"), &[ADA])).await.unwrap_err();
        assert_eq!(rejected.code(), Code::FailedPrecondition);
        assert_eq!(rejected.message(), "ada sent no x-admit");
        for (tenant, headers) in
            [("eve", [ADA, ADMIT]), ("ada", [EVE, ADMIT]), ("eve", [EVE, ADMIT])]
        {
            let rejected = client.unary(request(note(tenant), &headers)).await.unwrap_err();
            assert_eq!(reason(&rejected), "PERMISSION_DENIED", "{tenant} {headers:?}");
        }
        assert_eq!(ran.times(), 0);
        assert!(client.unary(request(note("ada"), &[ADA, ADMIT])).await.is_ok());
        assert_eq!(ran.times(), 1);
    }
}

#[tokio::test]
async fn a_closure_passes_what_it_reads_from_the_request() {
    for with_guard in [true, false] {
        let (server, ran) = served(with_guard).await;
        let mut client = ExtraClient::new(server.channel().await);
        for (tenant, header) in [("acme", ADA), ("ada", ACME), ("", ADA)] {
            let rejected = client.get_url(request(note(tenant), &[header])).await.unwrap_err();
            assert_eq!(reason(&rejected), "PERMISSION_DENIED", "{tenant} {header:?}");
        }
        assert_eq!(ran.times(), 0);
        for (tenant, header) in [(" ada ", ADA), ("acme", ACME), ("eve", EVE)] {
            assert!(client.get_url(request(note(tenant), &[header])).await.is_ok());
        }
        assert_eq!(ran.times(), 3);
    }
}

#[test]
fn the_table_has_the_bodies_of_the_closures() {
    let policy = policy_of(ExtraServer::<Service>::from_arc);
    let text = policy.to_string();
    assert!(text.contains("authorize = self.has_header(user, head, \"x-admit\")"), "{text}");
    let read = "authorize_request = self.of_tenant(caller.name(), request.get_ref().text.trim(), Flag::Read)";
    assert!(text.contains(read), "{text}");
}
