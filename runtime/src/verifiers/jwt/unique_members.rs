//! Rejects JSON objects with duplicate members, at any depth (RFC 7515, section 4; RFC 7519, section 4).
//!
//! Of two members with one name, one parser takes the first and another the last.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

use crate::verifiers::shared::json_text::JsonText;

/// The names of an object's members.
pub(super) struct MemberNames<'a>(Vec<JsonText<'a>>);

impl<'a> MemberNames<'a> {
    /// Allocates room for the members of a usual object.
    pub(super) fn new() -> Self {
        MemberNames(Vec::with_capacity(16))
    }

    pub(super) fn push(&mut self, name: JsonText<'a>) {
        self.0.push(name);
    }

    /// Returns an error if two names are equal.
    ///
    /// The names are sorted first, because a token may have thousands of members.
    pub(super) fn check_unique<E: Error>(mut self) -> Result<(), E> {
        self.0.sort_unstable();
        if self.0.iter().zip(self.0.iter().skip(1)).any(|(one, next)| one == next) {
            Err(E::custom("duplicate member"))
        } else {
            Ok(())
        }
    }
}

/// A value that is skipped after its objects were checked for duplicate members.
pub(super) struct SkippedValue;

impl<'de> Deserialize<'de> for SkippedValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SkippingVisitor;

        impl<'de> Visitor<'de> for SkippingVisitor {
            type Value = SkippedValue;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_bool<E>(self, _: bool) -> Result<SkippedValue, E> {
                Ok(SkippedValue)
            }

            fn visit_i64<E>(self, _: i64) -> Result<SkippedValue, E> {
                Ok(SkippedValue)
            }

            fn visit_u64<E>(self, _: u64) -> Result<SkippedValue, E> {
                Ok(SkippedValue)
            }

            fn visit_f64<E>(self, _: f64) -> Result<SkippedValue, E> {
                Ok(SkippedValue)
            }

            fn visit_str<E>(self, _: &str) -> Result<SkippedValue, E> {
                Ok(SkippedValue)
            }

            fn visit_unit<E>(self) -> Result<SkippedValue, E> {
                Ok(SkippedValue)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<SkippedValue, A::Error> {
                while items.next_element::<SkippedValue>()?.is_some() {}
                Ok(SkippedValue)
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut members: A,
            ) -> Result<SkippedValue, A::Error> {
                let mut names = MemberNames::new();
                while let Some(name) = members.next_key()? {
                    names.push(name);
                    members.next_value::<SkippedValue>()?;
                }
                names.check_unique()?;
                Ok(SkippedValue)
            }
        }

        deserializer.deserialize_any(SkippingVisitor)
    }
}
