use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};

use super::json::{Names, Text, Unread};
use crate::verifiers::shared::token_kind::{
    is_of_another_kind, token_use_is_another, typ_is_another,
};

/// What a token states that the verifier checks itself (RFC 7519, section 4.1).
///
/// Until the signature is checked it serves to refuse, never to admit.
#[derive(Debug, Default)]
pub(super) struct Stated<'a> {
    pub(super) iss: Option<Text<'a>>,
    pub(super) aud: Option<Audience<'a>>,
    pub(super) exp: Option<f64>,
    pub(super) nbf: Option<f64>,
    /// Whether it is bound to a key that the caller must prove to have (RFC 7800, section 3.1).
    pub(super) bound: bool,
    /// Whether it says by a claim that it is another kind of token than one for access.
    pub(super) other_kind: bool,
}

#[derive(Debug)]
pub(super) enum Audience<'a> {
    One(Text<'a>),
    Several(Vec<Text<'a>>),
}

impl Audience<'_> {
    pub(super) fn contains(&self, audience: &str) -> bool {
        match self {
            Audience::One(one) => one.0 == audience,
            Audience::Several(several) => several.iter().any(|one| one.0 == audience),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Audience<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Audience<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Audience<'de>, E> {
                Ok(Audience::One(Text(text.into())))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Audience<'de>, E> {
                Ok(Audience::One(Text(text.to_owned().into())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Audience<'de>, A::Error> {
                let mut several = Vec::new();
                while let Some(one) = items.next_element()? {
                    several.push(one);
                }
                Ok(Audience::Several(several))
            }
        }

        deserializer.deserialize_any(Read)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Stated<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Stated<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JWT claims set")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Stated<'de>, A::Error> {
                let mut stated = Stated::default();
                let mut names = Names::new();
                while let Some(name) = members.next_key::<Text<'de>>()? {
                    // A claim of the wrong type ends the reading: it is wrong, not absent.
                    match &*name.0 {
                        "iss" => stated.iss = Some(members.next_value()?),
                        "aud" => stated.aud = Some(members.next_value()?),
                        "exp" => stated.exp = Some(members.next_value()?),
                        "nbf" => stated.nbf = Some(members.next_value()?),
                        "iat" => {
                            members.next_value::<f64>()?;
                        }
                        "token_use" => {
                            let token_use = members.next_value::<Text<'de>>()?.0;
                            stated.other_kind |= token_use_is_another(&token_use);
                        }
                        "typ" => {
                            let typ = members.next_value::<Text<'de>>()?.0;
                            stated.other_kind |= typ_is_another(&typ);
                        }
                        name => {
                            members.next_value::<Unread>()?;
                            stated.bound |= name == "cnf";
                            stated.other_kind |= is_of_another_kind(name);
                        }
                    }
                    names.push(name);
                }
                names.distinct()?;
                Ok(stated)
            }
        }

        deserializer.deserialize_map(Read)
    }
}
