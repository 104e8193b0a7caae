//! What verifiers of one kind of credentials have in common, of which one is asked.

use std::time::Duration;

use super::map::try_map;
use crate::{
    authenticate::{Authenticate, BoxAuthenticator, DEFAULT_DEADLINE},
    evaluate::identity::FromIdentity,
    scheme::Bearer,
};

/// A verifier of bearer tokens, whose identity has become an `I`.
pub(super) type Branch<I> = BoxAuthenticator<Bearer, I>;

pub(super) fn branch<A, I>(verifier: A) -> Branch<I>
where
    A: Authenticate<Bearer> + 'static,
    I: FromIdentity<A::Identity> + Send + Sync + 'static,
{
    BoxAuthenticator::new(try_map(verifier, |identity| Ok(I::from_identity(identity))))
}

/// The longest deadline of these: each is held to its own.
pub(super) fn deadline<'a, I: Send + Sync + 'static>(
    branches: impl Iterator<Item = &'a Branch<I>>,
) -> Duration {
    branches.map(Authenticate::deadline).max().unwrap_or(DEFAULT_DEADLINE)
}

/// The reason that all of these give.
pub(super) fn invalid_reason<'a, I: Send + Sync + 'static>(
    mut branches: impl Iterator<Item = &'a Branch<I>>,
) -> Option<&'static str> {
    let first = branches.next()?.invalid_reason();
    if branches.all(|branch| branch.invalid_reason() == first) { first } else { None }
}
