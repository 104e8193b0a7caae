//! base64url as RFC 7515, section 2 has it: no padding, no white space, one text for each value.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// What isn't base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotBase64Url;

// The engine refuses padding, and bits after the last byte that aren't zero: two texts of one value
// would be two tokens with one signature.
pub(super) fn decode(text: impl AsRef<[u8]>) -> Result<Vec<u8>, NotBase64Url> {
    BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| NotBase64Url)
}
