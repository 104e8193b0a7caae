//! base64url without padding or white space (RFC 7515, section 2), with one encoding for each value.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// The text isn't base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotBase64Url;

// The engine rejects padding and unused bits that aren't zero. Otherwise one signature would be valid
// for several tokens.
pub(super) fn decode(text: impl AsRef<[u8]>) -> Result<Vec<u8>, NotBase64Url> {
    BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| NotBase64Url)
}
