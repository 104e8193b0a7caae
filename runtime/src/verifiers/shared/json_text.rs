//! A JSON string that borrows from its document.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, Visitor},
};

/// A string, borrowed from the document where it has no escapes.
///
/// `Cow<str>` alone always deserializes to an owned string.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct JsonText<'a>(pub(crate) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for JsonText<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = JsonText<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<JsonText<'de>, E> {
                Ok(JsonText(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<JsonText<'de>, E> {
                Ok(JsonText(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(TextVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_borrowed_unless_it_has_escapes() {
        let borrowed: JsonText<'_> = serde_json::from_str(r#""sub""#).unwrap();
        assert!(matches!(borrowed.0, Cow::Borrowed("sub")));
        let owned: JsonText<'_> = serde_json::from_str(r#""\u0073ub""#).unwrap();
        assert!(matches!(&owned.0, Cow::Owned(text) if text == "sub"));
        for other in ["1", "null", "true", "[]", "{}"] {
            assert!(serde_json::from_str::<JsonText<'_>>(other).is_err(), "{other}");
        }
    }
}
