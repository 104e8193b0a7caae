//! Checks that return a value: those of the `#[authorized(..)]` parameters.

use std::pin::{Pin, pin};

use tonic::{Code, Request, Status};

use super::{call_head, error_domain, target};
use crate::{
    error::AuthError,
    evaluate::{description::PolicyDescription, panics::catch_panic, rejection::Rejection},
    guard::handoff::MethodId,
};

/// The future of a check that returns a value.
pub type ValueFuture<'a, V> = Pin<Box<dyn Future<Output = Result<V, Rejection>> + Send + 'a>>;

/// The return type of the check of an `#[authorized(..)]` parameter.
#[diagnostic::on_unimplemented(
    message = "expected a check that returns `Result<_, AuthError>` or `Result<_, Status>`, found `{Self}`",
    label = "this check returns `{Self}`",
    note = "`Ok` has the value of the parameter; an error rejects the call with the status code of the error"
)]
pub trait IntoCheckedValue {
    type Value;

    fn into_checked_value(self) -> Result<Self::Value, Rejection>;
}

impl<V> IntoCheckedValue for Result<V, AuthError> {
    type Value = V;

    fn into_checked_value(self) -> Result<V, Rejection> {
        self.map_err(|error| Rejection::from_error(None, error))
    }
}

impl<V> IntoCheckedValue for Result<V, Status> {
    type Value = V;

    fn into_checked_value(self) -> Result<V, Rejection> {
        self.map_err(|status| match status.code() {
            // The caller would take a rejection with this code for a success.
            Code::Ok => Rejection::internal("a check rejected the call with the code OK"),
            _ => Rejection::Custom(Box::new(status)),
        })
    }
}

/// Runs the check of a parameter on an admitted call, and returns the parameter's value.
#[allow(
    clippy::manual_async_fn,
    reason = "`Send` is proved here once, and not in the crate of each user"
)]
pub fn authorize_parameter<'a, T: Sync, I: Sync, M: Sync, V: Send>(
    service: &'a T,
    method: &'static str,
    identity: &'a I,
    request: &'a Request<M>,
    check: for<'c> fn(&'c T, &'c I, &'c Request<M>) -> ValueFuture<'c, V>,
) -> impl Future<Output = Result<V, Status>> + Send + use<'a, T, I, M, V> {
    async move {
        let checked = catch_panic(pin!(async { check(service, identity, request).await })).await;
        checked.map_err(|rejection| {
            let description = PolicyDescription::empty();
            let target = target(MethodId { policy: 0, method });
            let rejection = target.emit_rejected(rejection, || description.clone());
            rejection.into_status(&description, error_domain(&call_head(request)), None)
        })
    }
}
