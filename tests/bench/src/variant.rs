//! The ways of authentication, each as a server.

use std::convert::Infallible;

use bytes::Bytes;
use tonic::{body::Body, service::interceptor::InterceptedService};
use tonic_async_interceptor::AsyncInterceptedService;
use tonic_guard::guard;
use tonic_middleware::InterceptorFor;
use tower_http::{auth::AsyncRequireAuthorization, validate_request::ValidateRequestHeader};
use tower_service::Service;

use crate::{
    pb::echo_server::EchoServer,
    peers,
    service::{AsyncTokens, Attributed, ByHand, Extended, Open, Tokens},
};

/// A way of authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// No authentication, as the baseline.
    Open,
    ByHand,
    HandlerCheck,
    Guard,
    /// The guard, with an authenticator that is an `async fn`.
    GuardAsync,
    Interceptor,
    AsyncInterceptor,
    Middleware,
    Validate,
    Authorize,
}

/// An operation on a server.
pub trait Visit {
    type Output;

    fn server<S, R>(self, server: S) -> Self::Output
    where
        S: Service<http::Request<Body>, Response = http::Response<R>, Error = Infallible>,
        R: http_body::Body<Data = Bytes>;
}

impl Variant {
    pub const ALL: [Variant; 10] = [
        Variant::Open,
        Variant::ByHand,
        Variant::HandlerCheck,
        Variant::Guard,
        Variant::GuardAsync,
        Variant::Interceptor,
        Variant::AsyncInterceptor,
        Variant::Middleware,
        Variant::Validate,
        Variant::Authorize,
    ];

    /// The name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Variant::Open => "no auth",
            Variant::ByHand => "by hand in the body",
            Variant::HandlerCheck => "handler check alone",
            Variant::Guard => "guard and handler check",
            Variant::GuardAsync => "the same, async authenticator",
            Variant::Interceptor => "tonic Interceptor",
            Variant::AsyncInterceptor => "tonic-async-interceptor",
            Variant::Middleware => "tonic-middleware",
            Variant::Validate => "tower-http validate_request",
            Variant::Authorize => "tower-http async auth",
        }
    }

    /// The name in commands.
    pub fn word(self) -> &'static str {
        match self {
            Variant::Open => "open",
            Variant::ByHand => "by-hand",
            Variant::HandlerCheck => "handler-check",
            Variant::Guard => "guard",
            Variant::GuardAsync => "guard-async",
            Variant::Interceptor => "interceptor",
            Variant::AsyncInterceptor => "async-interceptor",
            Variant::Middleware => "middleware",
            Variant::Validate => "validate",
            Variant::Authorize => "authorize",
        }
    }

    pub fn from_word(word: &str) -> Option<Variant> {
        Variant::ALL.into_iter().find(|variant| variant.word() == word)
    }

    /// Calls `visit` with the variant's server.
    pub fn visit<V: Visit>(self, visit: V) -> V::Output {
        match self {
            Variant::Open => visit.server(EchoServer::new(Open)),
            Variant::ByHand => visit.server(EchoServer::new(ByHand { tokens: Tokens })),
            Variant::HandlerCheck => visit.server(EchoServer::new(Attributed { tokens: Tokens })),
            Variant::Guard => {
                visit.server(guard(Attributed { tokens: Tokens }, EchoServer::from_arc))
            }
            Variant::GuardAsync => {
                visit.server(guard(Attributed { tokens: AsyncTokens }, EchoServer::from_arc))
            }
            Variant::Interceptor => {
                visit.server(InterceptedService::new(EchoServer::new(Extended), peers::interceptor))
            }
            Variant::AsyncInterceptor => visit.server(AsyncInterceptedService::new(
                EchoServer::new(Extended),
                peers::async_interceptor,
            )),
            Variant::Middleware => {
                visit.server(InterceptorFor::new(EchoServer::new(Extended), peers::Middleware))
            }
            Variant::Validate => visit
                .server(ValidateRequestHeader::custom(EchoServer::new(Extended), peers::validate)),
            Variant::Authorize => visit.server(AsyncRequireAuthorization::new(
                EchoServer::new(Extended),
                peers::authorize,
            )),
        }
    }
}
