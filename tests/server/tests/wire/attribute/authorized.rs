//! `#[authorized(..)]` parameters: what a check has found is what the handler works on.

use tonic::{Code, Request, Response, Status, Streaming, transport::Server};
use tonic_guard::{
    AuthError, Authenticate, Guarded, authenticated, denied, guard, in_process, policy_of,
};
use tonic_guard_suite_support::{
    Caller, Keys, Running, Tokens, User,
    pb::{
        Note,
        extra_client::ExtraClient,
        extra_server::{Extra, ExtraServer},
        kinds_client::KindsClient,
        kinds_server::{Kinds, KindsServer},
    },
    reason, request,
};

use crate::support::service::{ADA, EVE, Ran, note, says};

/// An order, which belongs to the caller of its name.
#[derive(Debug)]
struct Order(String);

#[derive(Debug)]
struct Length(usize);

#[derive(Authenticate, Clone, Default)]
struct Service {
    #[verifies("bearer")]
    tokens: Tokens,
    #[verifies("api-key")]
    keys: Keys,
    checked: Ran,
    ran: Ran,
}

impl Service {
    async fn find_order(&self, user: &User, request: &Request<Note>) -> Result<Order, AuthError> {
        self.checked.once();
        let owner = request.get_ref().text.as_str();
        assert_ne!(owner, "panic", "a panic of a check");
        if owner == user.name {
            Ok(Order(format!("order of {owner}")))
        } else {
            Err(AuthError::denied())
        }
    }

    async fn length(
        &self,
        _: &User,
        request: &Request<Note>,
        max: usize,
    ) -> Result<Length, Status> {
        match request.get_ref().payload.len() {
            length if length <= max => Ok(Length(length)),
            _ => Err(Status::out_of_range("too long")),
        }
    }

    async fn not_closed(&self, _: &User, request: &Request<Note>) -> Result<(), Status> {
        match request.metadata().contains_key("x-closed") {
            true => Err(Status::failed_precondition("closed")),
            false => Ok(()),
        }
    }

    async fn named<M>(&self, caller: &Caller, _: &Request<M>) -> Result<Order, AuthError> {
        if caller.name() == "ada" {
            Ok(Order(caller.name().into()))
        } else {
            Err(AuthError::denied())
        }
    }
}

#[authenticated(scheme = "bearer", scopes("read"))]
#[tonic::async_trait]
impl Extra for Service {
    // The impl's default applies: the parameters only narrow it.
    async fn unary(
        &self,
        request: Request<Note>,
        #[identity] User { name, .. }: User,
        #[authorized(Self::find_order)] Order(order): Order,
        #[authorized(|user, request| self.length(user, request, 3))] length: Length,
    ) -> Result<Response<Note>, Status> {
        self.ran.once();
        says(format!("{name}: {order}, {}, {}", length.0, request.get_ref().payload.len()))
    }

    #[authenticated(scheme = default, scopes(none), authorize_request = Self::not_closed)]
    async fn get_url(
        &self,
        _: Request<Note>,
        #[authorized(Self::find_order)] request: Order,
        #[identity] _caller: User,
    ) -> Result<Response<Note>, Status> {
        self.ran.once();
        says(format!("{request:?}"))
    }
}

async fn served<T, M: 'static>(with_guard: bool, service: T) -> Running
where
    T: Extra + Guarded<M, ExtraServer<T>>,
{
    let mut server = Server::builder();
    Running::start(match with_guard {
        true => server.add_service(guard(service, ExtraServer::from_arc)),
        false => server.add_service(ExtraServer::new(service)),
    })
    .await
}

#[tokio::test]
async fn the_handler_receives_what_the_checks_return() {
    for with_guard in [true, false] {
        let service = Service::default();
        let server = served(with_guard, service.clone()).await;
        let mut client = ExtraClient::new(server.channel().await);
        for (owner, headers, why) in [
            ("ada", &[][..], "CREDENTIALS_MISSING"),
            ("ada", &[("authorization", "Bearer x")], "CREDENTIALS_INVALID"),
        ] {
            let rejected = client.unary(request(note(owner), headers)).await.unwrap_err();
            assert_eq!(reason(&rejected), why);
        }
        assert_eq!(service.checked.times(), 0, "the checks run after authentication");
        for (owner, header) in [("eve", ADA), ("ada", EVE), ("", ADA)] {
            let rejected = client.unary(request(note(owner), &[header])).await.unwrap_err();
            assert_eq!(reason(&rejected), "PERMISSION_DENIED", "{owner} {header:?}");
        }
        let long = Note { payload: vec![0; 4], ..note("ada") };
        let rejected = client.unary(request(long, &[ADA])).await.unwrap_err();
        assert_eq!((rejected.code(), rejected.message()), (Code::OutOfRange, "too long"));
        let rejected = client.unary(request(note("panic"), &[ADA])).await.unwrap_err();
        assert_eq!(rejected.code(), Code::Internal);
        assert_eq!(service.ran.times(), 0);

        let short = Note { payload: vec![0; 3], ..note("ada") };
        let admitted = client.unary(request(short, &[ADA])).await.unwrap().into_inner();
        assert_eq!(admitted.text, "ada: order of ada, 3, 3");
    }
}

#[tokio::test]
async fn the_checks_of_parameters_run_after_the_request_check() {
    for with_guard in [true, false] {
        let service = Service::default();
        let server = served(with_guard, service.clone()).await;
        let mut client = ExtraClient::new(server.channel().await);
        let closed = request(note("ada"), &[ADA, ("x-closed", "1")]);
        let rejected = client.get_url(closed).await.unwrap_err();
        assert_eq!(rejected.code(), Code::FailedPrecondition);
        assert_eq!((service.checked.times(), service.ran.times()), (0, 0));
        assert!(client.get_url(request(note("ada"), &[EVE])).await.is_err());
        let admitted = client.get_url(request(note("ada"), &[ADA])).await.unwrap().into_inner();
        assert_eq!(admitted.text, r#"Order("order of ada")"#);
        assert_eq!((service.checked.times(), service.ran.times()), (2, 1));
    }
}

#[tokio::test]
async fn the_checks_run_for_an_injected_identity() {
    let service = Service::default();
    let user = || User { name: "ada".into(), scopes: "read" };
    for (owner, is_admitted) in [("eve", false), ("ada", true)] {
        let mut request = Request::new(note(owner));
        in_process::call_as(user(), &mut request);
        assert_eq!(Extra::unary(&service, request).await.is_ok(), is_admitted, "{owner}");
    }
}

#[test]
fn the_table_lists_the_parameters() {
    let policy = policy_of(ExtraServer::<Service>::from_arc);
    let checks = ["Order(order) = Self::find_order", "length = self.length(user, request, 3)"];
    assert_eq!(policy.methods()[0].authorized(), checks);
    let text = policy.to_string();
    let cell = "scopes(read), authorized(Order(order) = Self::find_order), authorized(length = ";
    assert!(text.contains(cell), "{text}");
    assert!(policy.to_markdown().contains(cell));
    let json: serde_json::Value = serde_json::from_str(&policy.to_json()).unwrap();
    assert_eq!(json[0]["authorized"], serde_json::json!(checks));
}

type Nothing = tokio_stream::Empty<Result<Note, Status>>;

/// Streams, and attributes on single methods of a plain impl.
#[tonic::async_trait]
impl Kinds for Service {
    #[authenticated(scheme = optional("bearer"))]
    async fn unary(
        &self,
        _: Request<Note>,
        #[identity] caller: Option<User>,
        #[authorized(|user: &Option<User>, _| async move {
            user.as_ref().map(|user| user.name.clone()).ok_or_else(AuthError::denied)
        })]
        name: String,
    ) -> Result<Response<Note>, Status> {
        assert_eq!(caller.map(|caller| caller.name).as_deref(), Some(name.as_str()));
        says(name)
    }

    type DownStream = Nothing;

    #[denied(reason = "not needed here")]
    async fn down(&self, _: Request<Note>) -> Result<Response<Nothing>, Status> {}

    #[authenticated(scheme = one_of("bearer", "api-key"))]
    async fn up(
        &self,
        request: Request<Streaming<Note>>,
        #[identity] _: Caller,
        #[authorized(Self::named)] order: Order,
    ) -> Result<Response<Note>, Status> {
        let first = request.into_inner().message().await?.unwrap_or_default();
        says(format!("{} {}", order.0, first.text))
    }

    type BothStream = Nothing;

    #[denied(reason = "not needed here")]
    async fn both(&self, _: Request<Streaming<Note>>) -> Result<Response<Nothing>, Status> {}
}

#[tokio::test]
async fn streams_and_optional_identities_are_checked() {
    let service = Service::default();
    let server = Running::start(Server::builder().add_service(KindsServer::new(service))).await;
    let mut client = KindsClient::new(server.channel().await);
    let stream = |header| request(tokio_stream::iter([note("first")]), &[header]);
    assert_eq!(client.up(stream(EVE)).await.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(client.up(stream(ADA)).await.unwrap().into_inner().text, "ada first");
    assert_eq!(
        reason(&client.unary(request(note(""), &[])).await.unwrap_err()),
        "PERMISSION_DENIED"
    );
    assert_eq!(client.unary(request(note(""), &[EVE])).await.unwrap().into_inner().text, "eve");
}
