//! The verifiers among which `ByTokenFormat` and `ByIssuer` select one for each token.

use std::time::Duration;

use super::map::try_map;
use crate::{
    authenticate::{Authenticate, BoxAuthenticator, DEFAULT_DEADLINE},
    evaluate::identity::FromIdentity,
    scheme::Bearer,
};

/// A verifier of bearer tokens with its identity converted to `I`.
pub(super) type Delegate<I> = BoxAuthenticator<Bearer, I>;

pub(super) fn delegate<A, I>(verifier: A) -> Delegate<I>
where
    A: Authenticate<Bearer> + 'static,
    I: FromIdentity<A::Identity> + Send + Sync + 'static,
{
    BoxAuthenticator::new(try_map(verifier, |identity| Ok(I::from_identity(identity))))
}

/// The longest deadline of the delegates. Each delegate also keeps its own deadline.
pub(super) fn max_deadline<'a, I: Send + Sync + 'static>(
    delegates: impl Iterator<Item = &'a Delegate<I>>,
) -> Duration {
    delegates.map(Authenticate::deadline).max().unwrap_or(DEFAULT_DEADLINE)
}

/// The `invalid_reason` of the delegates, if all have the same.
pub(super) fn common_invalid_reason<'a, I: Send + Sync + 'static>(
    mut delegates: impl Iterator<Item = &'a Delegate<I>>,
) -> Option<&'static str> {
    let first = delegates.next()?.invalid_reason();
    if delegates.all(|delegate| delegate.invalid_reason() == first) { first } else { None }
}
