use std::{borrow::Cow, cell::RefCell, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use super::{
    base64url,
    json::{Names, Text, Unread},
    unverified::malformed,
};
use crate::error::AuthError;

/// The JOSE header of a token (RFC 7515, section 4), as far as it decides something.
///
/// What would bring a key along or name a place to fetch one from (`jwk`, `jku`, `x5c`, `x5u`) is never
/// read: a token doesn't choose who vouches for it.
#[derive(Debug, Default)]
pub(super) struct Header<'a> {
    pub(super) alg: Option<Text<'a>>,
    pub(super) typ: Option<Text<'a>>,
    pub(super) kid: Option<Text<'a>>,
    /// Whether it asks for an extension to be understood, in whatever way: none is understood here.
    pub(super) extended: bool,
}

thread_local! {
    /// The header that was read last, as it was encoded. Those that one key signs are mostly the same.
    static LAST: RefCell<Option<(Box<[u8]>, Header<'static>)>> = const { RefCell::new(None) };
}

impl Header<'_> {
    /// Reads an encoded header, which `look` then looks at.
    ///
    /// What is read depends on the text alone: whose token it is, and whether it is a good one, doesn't
    /// matter to who reads the same text next.
    pub(super) fn read<T>(
        encoded: &[u8],
        look: impl FnOnce(&Header<'_>) -> Result<T, AuthError>,
    ) -> Result<T, AuthError> {
        // Taken out while it is looked at; a thread that ends has none.
        let last = LAST.try_with(RefCell::take).ok().flatten();
        let (text, header) = match last.filter(|(text, _)| **text == *encoded) {
            Some(last) => last,
            None => (encoded.into(), Header::parse(encoded)?),
        };
        let looked = look(&header);
        let _ = LAST.try_with(|last| last.replace(Some((text, header))));
        looked
    }

    fn parse(encoded: &[u8]) -> Result<Header<'static>, AuthError> {
        let json = base64url::decode(encoded).map_err(|_| malformed("header: no base64url"))?;
        let header: Header<'_> =
            serde_json::from_slice(&json).map_err(|_| malformed("header: no JOSE header"))?;
        let owned = |text: Option<Text<'_>>| text.map(|text| Text(Cow::Owned(text.0.into_owned())));
        Ok(Header {
            alg: owned(header.alg),
            typ: owned(header.typ),
            kid: owned(header.kid),
            extended: header.extended,
        })
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Header<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Header<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JOSE header")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Header<'de>, A::Error> {
                let mut header = Header::default();
                let mut names = Names::new();
                while let Some(name) = members.next_key::<Text<'de>>()? {
                    match &*name.0 {
                        "alg" => header.alg = Some(members.next_value()?),
                        "typ" => header.typ = Some(members.next_value()?),
                        "kid" => header.kid = Some(members.next_value()?),
                        // `crit` is refused even when empty (RFC 7515, section 4.1.11), `b64` even
                        // without it (RFC 7797): who signs so expects another reading.
                        "crit" | "b64" => {
                            members.next_value::<Unread>()?;
                            header.extended = true;
                        }
                        _ => {
                            members.next_value::<Unread>()?;
                        }
                    }
                    names.push(name);
                }
                names.distinct()?;
                Ok(header)
            }
        }

        deserializer.deserialize_map(Read)
    }
}
