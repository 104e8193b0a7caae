//! JSON as a signed token may have it: no object names a member twice (RFC 7515, section 4; RFC 7519,
//! section 4), at any depth. Two parsers could take two different ones.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

/// A text, borrowed where it has no escapes.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(Read)
    }
}

/// The names of an object's members as they come.
pub(super) struct Names<'a>(Vec<Text<'a>>);

impl<'a> Names<'a> {
    /// Room for as many as most objects have.
    pub(super) fn new() -> Self {
        Names(Vec::with_capacity(16))
    }

    pub(super) fn push(&mut self, name: Text<'a>) {
        self.0.push(name);
    }

    /// Refuses names of which two are equal. It sorts: a token may have thousands.
    pub(super) fn distinct<E: Error>(mut self) -> Result<(), E> {
        self.0.sort_unstable();
        if self.0.iter().zip(self.0.iter().skip(1)).any(|(one, next)| one == next) {
            Err(E::custom("a member is named twice"))
        } else {
            Ok(())
        }
    }
}

/// A value that nobody reads, and in which no object names a member twice.
pub(super) struct Unread;

impl<'de> Deserialize<'de> for Unread {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Unread;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_bool<E>(self, _: bool) -> Result<Unread, E> {
                Ok(Unread)
            }

            fn visit_i64<E>(self, _: i64) -> Result<Unread, E> {
                Ok(Unread)
            }

            fn visit_u64<E>(self, _: u64) -> Result<Unread, E> {
                Ok(Unread)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Unread, E> {
                Ok(Unread)
            }

            fn visit_str<E>(self, _: &str) -> Result<Unread, E> {
                Ok(Unread)
            }

            fn visit_unit<E>(self) -> Result<Unread, E> {
                Ok(Unread)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Unread, A::Error> {
                while items.next_element::<Unread>()?.is_some() {}
                Ok(Unread)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Unread, A::Error> {
                let mut names = Names::new();
                while let Some(name) = members.next_key()? {
                    names.push(name);
                    members.next_value::<Unread>()?;
                }
                names.distinct()?;
                Ok(Unread)
            }
        }

        deserializer.deserialize_any(Read)
    }
}
