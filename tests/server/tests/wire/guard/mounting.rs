//! Mounting a guard, and the layers around it and behind it.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::HeaderValue;
use tonic::{
    Code, Request, Response, Status,
    body::Body,
    codec::CompressionEncoding,
    server::NamedService,
    service::{
        LayerExt, Routes,
        interceptor::{InterceptedService, InterceptorLayer},
    },
    transport::Server,
};
use tonic_guard::{Authenticate, Guard, GuardedRoutes, authenticated, guard, guard_arc, policy_of};
use tonic_guard_suite_support::{
    Running, Tokens, User, later,
    pb::{
        Note,
        extra_client::ExtraClient,
        extra_server::{Extra, ExtraServer},
        kinds_server::{Kinds, KindsServer},
    },
    reason, request,
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
use tower_service::Service;

use crate::support::{
    raw::{H2, UNARY, one_note},
    service::{ADA, Ran, call, says},
};

service!(Plain: [scheme = "bearer"] => User);

/// Asserts that the good call is answered and the bad one is rejected.
async fn assert_guarded(server: &Running) {
    assert!(call(server, &[ADA]).await.unwrap().contains("ada"));
    assert_eq!(reason(&call(server, &[]).await.unwrap_err()), "CREDENTIALS_MISSING");
}

fn name<S: NamedService>(_: &S) -> &'static str {
    S::NAME
}

#[tokio::test]
async fn guard_mounts_wherever_its_server_would() {
    let made = guard(Plain::default(), ExtraServer::from_arc);
    assert_eq!(name(&made), "guard.test.v1.Extra");
    assert_guarded(&Running::start(Server::builder().add_service(made.clone())).await).await;
    assert_guarded(&Running::start(Server::builder().add_routes(Routes::new(made.clone()))).await)
        .await;
    let routes = GuardedRoutes::new().guarded(made.clone());
    assert_guarded(&Running::start(Server::builder().add_routes(routes.into())).await).await;
    assert_guarded(&Running::start(Server::builder().add_optional_service(Some(made))).await).await;
}

#[tokio::test]
async fn shared_service_is_guarded_and_stays_shared() {
    let service = Arc::new(Plain::default());
    let guard = guard_arc(Arc::clone(&service), ExtraServer::from_arc);
    let server = Running::start(Server::builder().add_service(guard)).await;
    assert_guarded(&server).await;
    assert_eq!(service.ran.times(), 1);
}

#[tokio::test]
async fn guarded_routes_open_only_the_services_listed_as_open() {
    let (_, health) = tonic_health::server::health_reporter();
    let routes = GuardedRoutes::new()
        .guarded(guard(Plain::default(), ExtraServer::from_arc))
        .open(health, "load balancers have no credentials");
    let table = routes.policy().to_string();
    for row in
        ["guard.test.v1.Extra/Unary", "guard.test.v1.Extra/GetUrl", "grpc.health.v1.Health/*"]
    {
        assert!(table.contains(row), "{table}");
    }
    let server = Running::start(Server::builder().add_routes(routes.into())).await;
    assert_guarded(&server).await;
    let mut health = HealthClient::new(server.channel().await);
    assert!(health.check(HealthCheckRequest { service: String::new() }).await.is_ok());
    let mut h2 = H2::connect(&server).await;
    for path in [
        "/grpc.health.v1.HealthX/Check",
        "/grpc.health.v1/Check",
        "/guard.test.v1.Kinds/Unary",
        "/",
    ] {
        let good: (&str, &[u8]) = ("authorization", b"Bearer ada-token");
        let answer = h2.send(h2.request(path, &[good], one_note())).await.unwrap();
        assert_eq!(answer.status().code(), Code::Unimplemented, "{path}");
    }
}

#[test]
fn service_is_not_opened_without_a_reason() {
    for reason in ["", "  "] {
        let opened = std::panic::catch_unwind(|| {
            GuardedRoutes::new().open(ExtraServer::new(Plain::default()), reason)
        });
        assert!(opened.is_err());
    }
}

#[test]
fn service_added_twice_panics() {
    let added = std::panic::catch_unwind(|| {
        GuardedRoutes::new()
            .guarded(guard(Plain::default(), ExtraServer::from_arc))
            .open(ExtraServer::new(Plain::default()), "by mistake")
    });
    let panic_message = *added.unwrap_err().downcast::<String>().unwrap();
    assert_eq!(panic_message, "`guard.test.v1.Extra` is added twice");
}

#[tokio::test]
async fn guard_behind_a_layer_is_part_of_the_guarded_routes() {
    let seen_by_layer = Ran::default();
    let counter = seen_by_layer.clone();
    let layer = InterceptorLayer::new(move |request: Request<()>| {
        counter.once();
        Ok(request)
    });
    let made = guard(Plain::default(), ExtraServer::from_arc);
    let policy = made.policy();
    let routes = GuardedRoutes::new().guarded_behind(made, |guard| layer.named_layer(guard));
    assert_eq!(routes.policy().services(), [policy]);
    assert_guarded(&Running::start(Server::builder().add_routes(routes.into())).await).await;
    assert_eq!(seen_by_layer.times(), 2);
}

#[test]
fn guard_behind_a_layer_cannot_be_replaced() {
    let panic_message = |made: fn() -> GuardedRoutes| {
        let panicked = std::panic::catch_unwind(made).unwrap_err();
        *panicked.downcast::<String>().unwrap()
    };
    let unguarded = panic_message(|| {
        let guard = guard(Plain::default(), ExtraServer::from_arc);
        GuardedRoutes::new().guarded_behind(guard, |_| ExtraServer::new(Plain::default()))
    });
    assert!(unguarded.contains("its guard was dropped"), "{unguarded}");
    let kept_aside = panic_message(|| {
        let guard = guard(Plain::default(), ExtraServer::from_arc);
        let routes = GuardedRoutes::new().guarded(guard.clone());
        let open =
            GuardedRoutes::new().guarded_behind(guard, |_| ExtraServer::new(Plain::default()));
        drop(routes);
        open
    });
    assert!(kept_aside.contains("its guard was dropped"), "{kept_aside}");
    let renamed = panic_message(|| {
        let guard = guard(Plain::default(), ExtraServer::from_arc);
        GuardedRoutes::new().guarded_behind(guard, Misnaming)
    });
    assert!(renamed.contains("has its name"), "{renamed}");
}

/// A layer that takes the name of another service.
#[derive(Clone)]
struct Misnaming<S>(S);

impl<S> NamedService for Misnaming<S> {
    const NAME: &'static str = "guard.test.v1.Kinds";
}

impl<S: Service<http::Request<Body>>> Service<http::Request<Body>> for Misnaming<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: http::Request<Body>) -> S::Future {
        self.0.call(request)
    }
}

#[tokio::test]
async fn outer_interceptor_runs_before_the_guard_and_inner_one_after_it() {
    let (outside, inside) = (Ran::default(), Ran::default());
    let (out, into) = (outside.clone(), inside.clone());
    let guard = guard(Plain::default(), move |service| {
        InterceptedService::new(ExtraServer::from_arc(service), move |request: Request<()>| {
            into.once();
            Ok(request)
        })
    });
    let layer = InterceptorLayer::new(move |request: Request<()>| {
        out.once();
        match request.metadata().contains_key("x-stop") {
            true => Err(Status::aborted("stopped outside")),
            false => Ok(request),
        }
    });
    let server = Running::start(Server::builder().add_service(layer.named_layer(guard))).await;
    assert!(call(&server, &[]).await.is_err());
    assert_eq!((outside.times(), inside.times()), (1, 0));
    assert!(call(&server, &[ADA]).await.is_ok());
    assert_eq!((outside.times(), inside.times()), (2, 1));
    let stopped = call(&server, &[ADA, ("x-stop", "1")]).await.unwrap_err();
    assert_eq!(stopped.code(), Code::Aborted);
    assert_eq!((outside.times(), inside.times()), (3, 1));
}

/// The status of an inner interceptor is the answer.
#[tokio::test]
async fn inner_interceptor_can_reject_an_admitted_call() {
    let guard = guard(Plain::default(), |service| {
        InterceptedService::new(ExtraServer::from_arc(service), |_: Request<()>| {
            Err(Status::aborted("stopped inside"))
        })
    });
    let server = Running::start(Server::builder().add_service(guard)).await;
    assert_eq!(call(&server, &[ADA]).await.unwrap_err().code(), Code::Aborted);
    assert_eq!(call(&server, &[]).await.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn settings_of_the_inner_server_apply() {
    let guard = guard(Plain::default(), |service| {
        ExtraServer::from_arc(service)
            .accept_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Gzip)
            .max_decoding_message_size(64 << 10)
    });
    let server = Running::start(Server::builder().add_service(guard)).await;
    let mut client = ExtraClient::new(server.channel().await)
        .send_compressed(CompressionEncoding::Gzip)
        .accept_compressed(CompressionEncoding::Gzip);
    let of = |size: usize| Note { text: String::new(), payload: vec![0; size] };
    let answer = client.unary(request(of(32 << 10), &[ADA])).await.unwrap();
    assert_eq!(answer.metadata().get("grpc-encoding").unwrap(), &"gzip");
    let over = client.unary(request(of(128 << 10), &[ADA])).await.unwrap_err();
    assert_eq!(over.code(), Code::ResourceExhausted);
    // A caller without credentials doesn't learn the limit.
    let rejected = client.unary(request(of(128 << 10), &[])).await.unwrap_err();
    assert_eq!(rejected.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn headers_of_an_admitted_call_reach_the_server_unchanged() {
    let guard = guard(Plain::default(), |service| {
        crate::support::layers::behind(ExtraServer::from_arc(service), |request| {
            let request: &http::Request<tonic_guard::GuardedBody<tonic::body::Body>> = request;
            assert_eq!(request.headers()["authorization"], "Bearer ada-token");
            assert_eq!(request.headers().get("x-mine"), Some(&HeaderValue::from_static("1")));
            assert_eq!(request.uri().path(), UNARY);
        })
    });
    let server = Running::start(Server::builder().add_service(guard)).await;
    assert!(call(&server, &[ADA, ("x-mine", "1")]).await.is_ok());
}

/// A server that must be polled ready before each call, also in its clones.
struct OnceReady<S> {
    server: S,
    ready: bool,
}

impl<S: Clone> Clone for OnceReady<S> {
    fn clone(&self) -> Self {
        OnceReady { server: self.server.clone(), ready: false }
    }
}

impl<S: NamedService> NamedService for OnceReady<S> {
    const NAME: &'static str = S::NAME;
}

impl<S: Service<R>, R> Service<R> for OnceReady<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.ready = true;
        self.server.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> S::Future {
        assert!(std::mem::take(&mut self.ready), "called without having been ready");
        self.server.call(request)
    }
}

#[tokio::test]
async fn server_that_was_polled_ready_is_called() {
    let guard = guard(Plain::default(), |service| OnceReady {
        server: ExtraServer::from_arc(service),
        ready: false,
    });
    let server = Running::start(Server::builder().add_service(guard)).await;
    for _ in 0..3 {
        assert_guarded(&server).await;
    }
}

/// The attribute is on the impl of `Extra`; the other trait has none.
#[derive(Clone, Default)]
struct Half;

#[authenticated(scheme = "bearer", service = "guard.test.v1.Extra")]
#[tonic::async_trait]
impl Extra for Half {
    #[authenticated(scheme = tonic_guard::scheme::Bearer::new() via Tokens)]
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("")
    }

    #[authenticated(scheme = tonic_guard::scheme::Bearer::new() via Tokens)]
    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("")
    }
}

/// As `Half`, but without a declared service name.
#[derive(Clone, Default)]
struct Unnamed;

#[authenticated(scheme = tonic_guard::scheme::Bearer::new() via Tokens)]
#[tonic::async_trait]
impl Extra for Unnamed {
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("")
    }

    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("")
    }
}

/// As `Half`, but with the name of another version.
#[derive(Clone, Default)]
struct Misnamed;

#[authenticated(
    scheme = tonic_guard::scheme::Bearer::new() via Tokens,
    service = "guard.test.v2.Extra",
)]
#[tonic::async_trait]
impl Extra for Misnamed {
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("")
    }

    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("")
    }
}

type Nothing = tokio_stream::Empty<Result<Note, Status>>;

macro_rules! unguarded_kinds {
    ($($name:ident)*) => {$(
        #[tonic::async_trait]
        impl Kinds for $name {
            async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
                says("")
            }

            type DownStream = Nothing;

            async fn down(&self, _: Request<Note>) -> Result<Response<Nothing>, Status> {
                Ok(Response::new(tokio_stream::empty()))
            }

            async fn up(
                &self,
                _: Request<tonic::Streaming<Note>>,
            ) -> Result<Response<Note>, Status> {
                says("")
            }

            type BothStream = Nothing;

            async fn both(
                &self,
                _: Request<tonic::Streaming<Note>>,
            ) -> Result<Response<Nothing>, Status> {
                Ok(Response::new(tokio_stream::empty()))
            }
        }
    )*};
}

unguarded_kinds!(Half Unnamed);

/// Returns the panic message of making a guard with the wrong server.
fn wrong_server_message<S>(make: impl FnOnce() -> Guard<S> + std::panic::UnwindSafe) -> String {
    let panic = std::panic::catch_unwind(make).expect_err("a wrong server is found at start");
    *panic.downcast::<String>().expect("a text")
}

#[test]
fn server_of_another_trait_panics_at_start() {
    let message = wrong_server_message(|| guard(Unnamed, KindsServer::from_arc));
    assert!(message.contains("guard.test.v1.Kinds") && message.contains("`Extra`"), "{message}");
    let message = wrong_server_message(|| guard(Half, KindsServer::from_arc));
    assert!(message.contains("service = \"guard.test.v1.Extra\""), "{message}");
    let message = wrong_server_message(|| guard(Misnamed, ExtraServer::from_arc));
    assert!(message.contains("service = \"guard.test.v2.Extra\""), "{message}");
}

/// Services whose methods have a policy in one version and none in the next.
macro_rules! versioned {
    ($($name:ident as $this:ident $(#[$cfg:meta])?;)*) => {$(
        #[derive(Authenticate)]
        struct $name(#[verifies("bearer")] Tokens);

        #[authenticated(scheme = "bearer")]
        #[tonic::async_trait]
        impl $this for $name {
            $(#[$cfg])?
            #[anonymous(reason = "public in the first version")]
            async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
                says("")
            }

            $(#[$cfg])?
            async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
                says("")
            }
        }

        #[tonic::async_trait]
        impl later::extra_server::Extra for $name {
            async fn unary(
                &self,
                _: Request<later::Note>,
            ) -> Result<Response<later::Note>, Status> {
                Ok(Response::new(later::Note::default()))
            }

            async fn get_url(
                &self,
                _: Request<later::Note>,
            ) -> Result<Response<later::Note>, Status> {
                Ok(Response::new(later::Note::default()))
            }
        }
    )*};
}

use tonic_guard_suite_support::pb::extra_server::Extra as EXTRA;

versioned! {
    Versioned as Extra;
    // A name that differs from the service's only in case.
    Renamed as EXTRA;
    Conditional as Extra #[cfg(all())];
}

/// Otherwise the attribute of one version would guard the other, which has none.
#[test]
fn server_of_another_trait_with_the_same_name_panics_at_start() {
    let intercepted = |service| {
        let server = later::extra_server::ExtraServer::from_arc(service);
        InterceptedService::new(server, |request: Request<()>| Ok(request))
    };
    for message in [
        wrong_server_message(|| {
            guard(Versioned(Tokens), later::extra_server::ExtraServer::from_arc)
        }),
        wrong_server_message(|| guard(Versioned(Tokens), intercepted)),
        wrong_server_message(|| guard(Renamed(Tokens), later::extra_server::ExtraServer::from_arc)),
        wrong_server_message(|| {
            guard(Conditional(Tokens), later::extra_server::ExtraServer::from_arc)
        }),
    ] {
        assert!(
            message.contains("guard.test.v2.Extra") && message.contains("another trait"),
            "{message}"
        );
    }
    let policy = std::panic::catch_unwind(|| {
        policy_of(later::extra_server::ExtraServer::<Versioned>::from_arc)
    });
    assert!(policy.is_err());
    guard(Versioned(Tokens), ExtraServer::from_arc);
    guard(Renamed(Tokens), ExtraServer::from_arc);
    guard(Conditional(Tokens), ExtraServer::from_arc);
}

#[tokio::test]
async fn server_of_the_same_trait_is_accepted() {
    for server in [
        Server::builder().add_service(guard(Unnamed, ExtraServer::from_arc)),
        Server::builder().add_service(guard(Half, ExtraServer::from_arc)),
    ] {
        let server = Running::start(server).await;
        assert!(call(&server, &[ADA]).await.is_ok());
        assert!(call(&server, &[]).await.is_err());
    }
}
