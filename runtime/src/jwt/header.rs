use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use super::json::{Names, Text, Unread};

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
                let mut names = Names::default();
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
