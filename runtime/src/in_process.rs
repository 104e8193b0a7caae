//! Calls of guarded handlers by code of the same process.

use crate::{evaluate::injected_identity::InjectedIdentitySlot, guard::handoff::CallOrigin};

/// Injects `identity` into `request`, as the identity of the caller for one call of a guarded handler.
///
/// Use it in a unit test, or in another service of the same process that has already authenticated the
/// caller. It skips authentication; scopes, roles and custom checks still run. (The other way to skip
/// authentication is [`Authenticate::bypass`](crate::Authenticate::bypass), which applies to every caller.)
///
/// `identity` must have the type that the authenticator of the method returns: under `one_of` the type of any
/// alternative, and under `all_of` the tuple of all. Otherwise the call is rejected as INTERNAL.
///
/// The first call takes the identity. A guard removes it, so a layer that passes on a request from the wire
/// can't use it.
///
/// ```
/// use tonic_guard::in_process;
///
/// struct User(&'static str);
///
/// let mut request = tonic::Request::new(());
/// in_process::call_as(User("ada"), &mut request);
/// // service.cancel(request).await
/// ```
pub fn call_as<I: Send + Sync + 'static, M>(identity: I, request: &mut tonic::Request<M>) {
    let slot = InjectedIdentitySlot::new(identity);
    request.extensions_mut().insert(CallOrigin::InProcess(slot));
}
