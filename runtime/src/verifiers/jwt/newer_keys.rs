//! Waits for newer keys of all sources that may have a token's key.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use super::{algorithm::Algorithm, key_set::KeySet, key_source::LimitedSource, no_match::NoMatch};
use crate::error::AuthError;

type Refetched = Result<Option<Arc<KeySet>>, AuthError>;

/// The sources that are being asked for newer keys, all at once: one that is down delays no other.
pub(super) struct NewerKeys<'a> {
    pending: Vec<Pin<Box<dyn Future<Output = Refetched> + Send + 'a>>>,
}

impl<'a> NewerKeys<'a> {
    /// `known` are the sources with the keys that don't verify a token with this `kid`.
    pub(super) fn new(
        known: Vec<(&'a LimitedSource, Option<Arc<KeySet>>)>,
        kid: Option<&'a str>,
        algorithm: Algorithm,
    ) -> Self {
        let named = kid.filter(|_| is_known(&known, kid));
        let pending = known.into_iter().filter_map(|(source, keys)| {
            let no_match = match (named, &keys, kid) {
                // A forged signature is invalid, whatever becomes of the sources without this `kid`.
                (Some(kid), ..) => NoMatch::Signature(kid),
                (None, None, _) => NoMatch::NoKeys,
                (None, Some(_), Some(_)) => NoMatch::UnknownId,
                // Newer keys can't help a token that names none.
                (None, Some(_), None) => return None,
            };
            Some(Box::pin(source.refetch(keys, algorithm, no_match)) as Pin<Box<_>>)
        });
        NewerKeys { pending: pending.collect() }
    }

    /// The next outcome of a source, in the order in which they arrive. `None` after the last one.
    pub(super) async fn next(&mut self) -> Option<Refetched> {
        poll_fn(|context| self.poll_next(context)).await
    }

    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Option<Refetched>> {
        for (at, source) in self.pending.iter_mut().enumerate() {
            if let Poll::Ready(outcome) = source.as_mut().poll(context) {
                drop(self.pending.swap_remove(at));
                return Poll::Ready(Some(outcome));
            }
        }
        if self.pending.is_empty() { Poll::Ready(None) } else { Poll::Pending }
    }
}

/// Returns true if a key of any source has this id.
fn is_known(known: &[(&LimitedSource, Option<Arc<KeySet>>)], kid: Option<&str>) -> bool {
    let sets = known.iter().filter_map(|(_, keys)| keys.as_ref());
    kid.is_some_and(|kid| sets.into_iter().any(|keys| keys.contains_id(kid)))
}
