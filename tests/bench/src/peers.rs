//! The alternatives of the ecosystem: the same static check before the handler, with the identity
//! in an extension.
//!
//! Each checks what is usual there: the first `authorization` header, `Bearer ` in this spelling,
//! and a comparison in constant time. None has the grammar, the deadline, the challenge or the
//! `ErrorInfo` of tonic-guard.

use constant_time_eq::constant_time_eq;
use http::{HeaderMap, header::AUTHORIZATION};
use tonic::{Request, Status, body::Body};

use crate::service::{TOKEN, User};

fn known(headers: &HeaderMap) -> Result<User, Status> {
    let value = headers.get(AUTHORIZATION).map(|value| value.as_bytes());
    let token = value.and_then(|value| value.strip_prefix(b"Bearer "));
    match token {
        Some(token) if constant_time_eq(token, TOKEN.as_bytes()) => Ok(User::ADA),
        _ => Err(Status::unauthenticated("the credentials are invalid")),
    }
}

/// For tonic's `InterceptedService`.
pub fn interceptor(mut request: Request<()>) -> Result<Request<()>, Status> {
    let user = known(request.metadata().as_ref())?;
    request.extensions_mut().insert(user);
    Ok(request)
}

/// For tonic-async-interceptor.
pub async fn async_interceptor(request: Request<()>) -> Result<Request<()>, Status> {
    interceptor(request)
}

/// For tonic-middleware.
#[derive(Clone, Copy, Debug)]
pub struct Middleware;

#[async_trait::async_trait]
impl tonic_middleware::RequestInterceptor for Middleware {
    async fn intercept(
        &self,
        mut request: http::Request<Body>,
    ) -> Result<http::Request<Body>, Status> {
        let user = known(request.headers())?;
        request.extensions_mut().insert(user);
        Ok(request)
    }
}

/// For tower-http's `ValidateRequestHeader`.
#[allow(clippy::result_large_err, reason = "the signature that tower-http asks for")]
pub fn validate(request: &mut http::Request<Body>) -> Result<(), http::Response<Body>> {
    let user = known(request.headers()).map_err(Status::into_http)?;
    request.extensions_mut().insert(user);
    Ok(())
}

/// For tower-http's `AsyncRequireAuthorization`.
pub async fn authorize(
    mut request: http::Request<Body>,
) -> Result<http::Request<Body>, http::Response<Body>> {
    validate(&mut request)?;
    Ok(request)
}
