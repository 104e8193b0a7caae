//! Calling a guarded handler from code of the same process.

use std::{
    any::Any,
    sync::{Arc, Mutex, PoisonError},
};

use crate::guard::stand_in::StandIn;

/// Lets the next guarded handler that is called with `request` take `identity` for its caller.
///
/// For a unit test, or a sibling service that has already established who is asking. `identity` has
/// the type that the method's authenticator returns: under `one_of` that of any alternative, under
/// `all_of` the tuple. Nothing is authenticated; scopes, roles and checks of your own still run. It
/// is used up by one call. A front door removes it, so nothing that a layer does with a request from
/// the wire can bring one in.
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
    let slot: Slot = Some(Box::new(identity));
    let given = CallAs(Arc::new(Mutex::new(slot)));
    request.extensions_mut().insert(StandIn::CallAs(given));
}

type Slot = Option<Box<dyn Any + Send + Sync>>;

#[derive(Clone)]
pub(crate) struct CallAs(Arc<Mutex<Slot>>);

impl CallAs {
    /// The identity that was given, once.
    pub(crate) fn take(&self) -> Option<Given> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().map(Given)
    }
}

/// An identity given in process, whose type isn't checked yet.
#[derive(Debug)]
pub struct Given(Box<dyn Any + Send + Sync>);

impl Given {
    pub(crate) fn into_identity<I: 'static>(self) -> Result<I, Given> {
        self.0.downcast().map(|identity| *identity).map_err(Given)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_given_once_and_as_what_it_is() {
        let mut request = tonic::Request::new(());
        call_as("ada", &mut request);
        let called_as = || match request.extensions().get() {
            Some(StandIn::CallAs(called_as)) => called_as.clone(),
            _ => unreachable!("it was put there"),
        };
        let given = called_as().take().unwrap();
        assert!(called_as().take().is_none());
        let given = given.into_identity::<String>().expect_err("another type");
        assert_eq!(given.into_identity::<&str>().unwrap(), "ada");
    }
}
