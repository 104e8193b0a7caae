//! Why a token isn't verified by the keys that are known.

/// Why no known key verifies a token. It decides whether the keys are fetched again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoMatch<'a> {
    /// No keys are trusted now.
    NoKeys,
    /// No key has the token's `kid`.
    UnknownId,
    /// Keys have this `kid`, and none of them verifies the signature.
    Signature(&'a str),
}
