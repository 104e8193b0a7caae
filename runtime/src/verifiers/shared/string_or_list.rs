//! A claim that is one string or a list of strings, such as `aud` (RFC 7519, section 4.1.3).

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IntoDeserializer, SeqAccess, Visitor, value::BorrowedStrDeserializer},
};

/// One string or a list of strings. `T` is the type of a string.
#[derive(Debug)]
pub(crate) enum StringOrList<T> {
    One(T),
    List(Vec<T>),
}

impl<T> StringOrList<T> {
    pub(crate) fn as_slice(&self) -> &[T] {
        match self {
            StringOrList::One(one) => std::slice::from_ref(one),
            StringOrList::List(list) => list,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for StringOrList<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StringOrListVisitor<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for StringOrListVisitor<T> {
            type Value = StringOrList<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                T::deserialize(BorrowedStrDeserializer::new(text)).map(StringOrList::One)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                T::deserialize(text.into_deserializer()).map(StringOrList::One)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    list.push(item);
                }
                Ok(StringOrList::List(list))
            }
        }

        deserializer.deserialize_any(StringOrListVisitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::verifiers::shared::json_text::JsonText;

    #[test]
    fn string_and_list_are_read_and_other_values_are_rejected() {
        let read = |json| serde_json::from_str::<StringOrList<Box<str>>>(json);
        assert_eq!(read(r#""a""#).unwrap().as_slice(), ["a".into()]);
        assert_eq!(read(r#""\u0061""#).unwrap().as_slice(), ["a".into()]);
        assert_eq!(read(r#"["a","b"]"#).unwrap().as_slice(), ["a".into(), "b".into()]);
        assert!(read("[]").unwrap().as_slice().is_empty());
        for other in ["1", "null", "true", "{}", r#"["a",1]"#, r#"[["a"]]"#] {
            assert!(read(other).is_err(), "{other}");
        }
    }

    #[test]
    fn strings_are_borrowed_from_the_document() {
        for json in [r#""a""#, r#"["a"]"#] {
            let read: StringOrList<JsonText<'_>> = serde_json::from_str(json).unwrap();
            assert!(matches!(read.as_slice(), [JsonText(Cow::Borrowed("a"))]), "{json}");
        }
    }
}
