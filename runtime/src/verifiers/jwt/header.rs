//! The JOSE header of a token (RFC 7515, section 4).

use std::{borrow::Cow, cell::RefCell, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use super::{
    base64url,
    reject::malformed,
    unique_members::{MemberNames, SkippedValue},
};
use crate::{error::AuthError, verifiers::shared::json_text::JsonText};

/// The header members that a decision depends on.
///
/// Members that contain a key or a URL of one (`jwk`, `jku`, `x5c`, `x5u`) are skipped: a token must
/// not choose the key that verifies it.
#[derive(Debug, Default)]
pub(super) struct JoseHeader<'a> {
    pub(super) alg: Option<JsonText<'a>>,
    pub(super) typ: Option<JsonText<'a>>,
    pub(super) kid: Option<JsonText<'a>>,
    /// A `crit` or `b64` is present. Extensions aren't supported.
    pub(super) has_extension: bool,
}

thread_local! {
    /// The last header of this thread and its encoding. Most tokens of one key have the same header.
    static LAST_HEADER: RefCell<Option<(Box<[u8]>, JoseHeader<'static>)>> = const { RefCell::new(None) };
}

impl JoseHeader<'_> {
    /// Passes the decoded header to `inspect` and returns its result.
    ///
    /// The header of an earlier token is reused if its encoding is equal. It depends on the encoding
    /// alone, so callers can't affect each other.
    pub(super) fn inspect<T>(
        encoded: &[u8],
        inspect: impl FnOnce(&JoseHeader<'_>) -> Result<T, AuthError>,
    ) -> Result<T, AuthError> {
        // Taken out while `inspect` runs. The access fails while the thread ends.
        let last = LAST_HEADER.try_with(RefCell::take).ok().flatten();
        let (text, header) = match last.filter(|(text, _)| **text == *encoded) {
            Some(last) => last,
            None => (encoded.into(), JoseHeader::decode(encoded)?),
        };
        let result = inspect(&header);
        let _ = LAST_HEADER.try_with(|last| last.replace(Some((text, header))));
        result
    }

    fn decode(encoded: &[u8]) -> Result<JoseHeader<'static>, AuthError> {
        let json = base64url::decode(encoded).map_err(|_| malformed("header: not base64url"))?;
        let header: JoseHeader<'_> =
            serde_json::from_slice(&json).map_err(|_| malformed("header: not a JOSE header"))?;
        let owned =
            |text: Option<JsonText<'_>>| text.map(|text| JsonText(Cow::Owned(text.0.into_owned())));
        Ok(JoseHeader {
            alg: owned(header.alg),
            typ: owned(header.typ),
            kid: owned(header.kid),
            has_extension: header.has_extension,
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for JoseHeader<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HeaderVisitor;

        impl<'de> Visitor<'de> for HeaderVisitor {
            type Value = JoseHeader<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JOSE header")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut members: A,
            ) -> Result<JoseHeader<'de>, A::Error> {
                let mut header = JoseHeader::default();
                let mut names = MemberNames::new();
                while let Some(name) = members.next_key::<JsonText<'de>>()? {
                    match &*name.0 {
                        "alg" => header.alg = Some(members.next_value()?),
                        "typ" => header.typ = Some(members.next_value()?),
                        "kid" => header.kid = Some(members.next_value()?),
                        // An empty `crit` is invalid too (RFC 7515, section 4.1.11), and so is `b64`
                        // without `crit` (RFC 7797): its signer expects that it is understood.
                        "crit" | "b64" => {
                            members.next_value::<SkippedValue>()?;
                            header.has_extension = true;
                        }
                        _ => {
                            members.next_value::<SkippedValue>()?;
                        }
                    }
                    names.push(name);
                }
                names.check_unique()?;
                Ok(header)
            }
        }

        deserializer.deserialize_map(HeaderVisitor)
    }
}
