//! Claims that the settings of a verifier name.

use std::fmt;

use serde::{
    Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, Visitor},
};
use serde_json::Value;

use super::reject::malformed;
use crate::{error::AuthError, verifiers::shared::json_text::JsonText};

/// The claims of an unverified token that the settings name, with their values.
#[derive(Debug, Default)]
pub(super) struct NamedClaims(Vec<(String, Value)>);

impl NamedClaims {
    /// Reads the claims with these names from a payload that has no duplicate members.
    ///
    /// Without names, the payload isn't read, so that a verifier without such settings doesn't pay for them.
    pub(super) fn read(payload: &str, names: &[&str]) -> Result<NamedClaims, AuthError> {
        if names.is_empty() {
            return Ok(NamedClaims::default());
        }
        let mut json = serde_json::Deserializer::from_str(payload);
        Names(names).deserialize(&mut json).map_err(|_| malformed("payload: not JSON"))
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(other, _)| other == name).map(|(_, value)| value)
    }

    /// The claim, if it is a string.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }
}

struct Names<'a>(&'a [&'a str]);

impl<'de> DeserializeSeed<'de> for Names<'_> {
    type Value = NamedClaims;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<NamedClaims, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Names<'_> {
    type Value = NamedClaims;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JWT claims set")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<NamedClaims, A::Error> {
        let mut claims = Vec::new();
        while let Some(JsonText(name)) = members.next_key()? {
            if self.0.contains(&&*name) {
                claims.push((name.into_owned(), members.next_value()?));
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(NamedClaims(claims))
    }
}
