//! Deadlines of authenticators and other futures.

use std::{
    pin::{Pin, pin},
    task::{Poll, ready},
    time::Duration,
};

use crate::{
    authenticate::{Authenticate, Authenticated},
    error::AuthError,
    scheme::Scheme,
};

/// Authenticates `credentials` within the authenticator's deadline.
pub(crate) async fn authenticate_in_time<S: Scheme, A: Authenticate<S>>(
    authenticator: &A,
    credentials: S::Credentials,
) -> Result<Authenticated<A::Identity>, AuthError> {
    in_time(authenticator.deadline(), pin!(authenticator.authenticate(credentials))).await
}

/// The result of `authentication`, or UNAVAILABLE if it takes longer than `limit`.
pub(super) fn in_time<I, F: Future<Output = Result<I, AuthError>>>(
    limit: Duration,
    authentication: Pin<&mut F>,
) -> impl Future<Output = Result<I, AuthError>> {
    within(limit, authentication, |limit| {
        Err(AuthError::unavailable().because(format!("no answer within {limit:?}")))
    })
}

/// The output of `future`, or of `on_timeout` if the future takes longer than `limit`.
///
/// A future that completes at its first poll needs neither a timer nor a runtime with one. Most
/// authentications do.
pub(crate) fn within<F: Future>(
    limit: Duration,
    future: Pin<&mut F>,
    on_timeout: impl Fn(Duration) -> F::Output,
) -> impl Future<Output = F::Output> {
    let mut untimed = Some(future);
    // Boxed, so that the future of a call that never waits doesn't contain a timer.
    let mut timed = None;
    std::future::poll_fn(move |cx| {
        if let Some(mut future) = untimed.take() {
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                return Poll::Ready(output);
            }
            timed = Some(Box::pin(tokio::time::timeout(limit, future)));
        }
        let output = match &mut timed {
            Some(timed) => ready!(timed.as_mut().poll(cx)).ok(),
            None => None,
        };
        Poll::Ready(output.unwrap_or_else(|| on_timeout(limit)))
    })
}
