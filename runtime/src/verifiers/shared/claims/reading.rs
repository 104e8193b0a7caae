//! How claims are read: the registered ones into their places, all others by the user's own type, in one
//! pass. `#[serde(flatten)]` would keep a copy of every member first.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
        value::{BorrowedStrDeserializer, StringDeserializer},
    },
    forward_to_deserialize_any,
};

use super::{Content, Listed, Registered};

impl<'de, Extra: Deserialize<'de>> Deserialize<'de> for Content<Extra> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read<Extra>(PhantomData<Extra>);

        impl<'de, Extra: Deserialize<'de>> Visitor<'de> for Read<Extra> {
            type Value = Content<Extra>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("claims")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Content<Extra>, A::Error> {
                let mut registered = Registered::default();
                let mut others = Others { members, registered: &mut registered };
                let extra = Extra::deserialize(&mut others)?;
                // Registered claims may stand behind the last one that it asked for.
                while others.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Content { registered, extra })
            }
        }

        deserializer.deserialize_map(Read(PhantomData))
    }
}

/// The members of an object that aren't registered claims, as an object of their own. On the way to the
/// next of them the registered ones are put into their places.
struct Others<'a, A> {
    members: A,
    registered: &'a mut Registered,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Others<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let registered = &mut *self.registered;
        while let Some(Name(name)) = self.members.next_key()? {
            match &*name {
                "iss" => once(&mut registered.iss, "iss", &mut self.members)?,
                "sub" => once(&mut registered.sub, "sub", &mut self.members)?,
                "aud" => once(&mut registered.aud, "aud", &mut self.members)?,
                "exp" => once(&mut registered.exp, "exp", &mut self.members)?,
                "nbf" => once(&mut registered.nbf, "nbf", &mut self.members)?,
                "iat" => once(&mut registered.iat, "iat", &mut self.members)?,
                "jti" => once(&mut registered.jti, "jti", &mut self.members)?,
                "client_id" => once(&mut registered.client_id, "client_id", &mut self.members)?,
                "scope" => once(&mut registered.scope, "scope", &mut self.members)?,
                "scp" => once(&mut registered.scp, "scp", &mut self.members)?,
                _ => {
                    return match name {
                        Cow::Borrowed(name) => seed.deserialize(BorrowedStrDeserializer::new(name)),
                        Cow::Owned(name) => seed.deserialize(StringDeserializer::new(name)),
                    }
                    .map(Some);
                }
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.members.next_value_seed(seed)
    }
}

/// Reads the value of a claim that may stand once.
fn once<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    place: &mut Option<T>,
    name: &'static str,
    members: &mut A,
) -> Result<(), A::Error> {
    if place.is_some() {
        return Err(A::Error::duplicate_field(name));
    }
    *place = members.next_value()?;
    Ok(())
}

impl<'de, A: MapAccess<'de>> Deserializer<'de> for &mut Others<'_, A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_map(self)
    }

    /// `()` takes none of them.
    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        while self.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf seq tuple
        tuple_struct map struct enum identifier ignored_any
    }
}

/// A member's name, borrowed where it has no escapes.
struct Name<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Name<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(name)))
            }

            fn visit_str<E>(self, name: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(name.to_owned())))
            }
        }

        deserializer.deserialize_identifier(Read)
    }
}

impl<'de> Deserialize<'de> for Listed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl<'de> Visitor<'de> for Read {
            type Value = Listed;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_str<E>(self, text: &str) -> Result<Listed, E> {
                Ok(Listed::One(text.into()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Listed, A::Error> {
                let mut several = Vec::new();
                while let Some(item) = items.next_element()? {
                    several.push(item);
                }
                Ok(Listed::Several(several))
            }
        }

        deserializer.deserialize_any(Read)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        time::{Duration, UNIX_EPOCH},
    };

    use super::super::Claims;
    use super::*;
    use crate::evaluate::requirement::HasScopes;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Tenant {
        tenant: String,
        level: Option<u8>,
    }

    fn read<'a, Extra: Deserialize<'a>>(json: &'a str) -> Result<Claims<Extra>, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn registered_claims_are_found_wherever_they_stand() {
        for json in [
            r#"{"iss":"i","tenant":"acme","sub":"ada","level":3,"exp":1.5,"scope":"a b"}"#,
            r#"{"scope":["a","b"],"level":3,"exp":1.5,"tenant":"acme","own":{"sub":1},"sub":"ada","iss":"i"}"#,
            r#"{"\u0073ub":"ada","\u0074enant":"acme","level":3,"exp":1.5,"scp":"a b","iss":"i"}"#,
        ] {
            let claims: Claims<Tenant> = read(json).unwrap();
            assert_eq!((claims.subject(), claims.issuer()), (Some("ada"), Some("i")), "{json}");
            assert_eq!(claims.extra(), &Tenant { tenant: "acme".into(), level: Some(3) }, "{json}");
            assert!(claims.has_scope("a") && claims.has_scope("b"), "{json}");
            let claims: Claims = read(json).unwrap();
            assert_eq!(claims.subject(), Some("ada"), "{json}");
        }
    }

    #[test]
    fn each_registered_claim_is_told() {
        let json = r#"{"iss":"i","sub":"ada","aud":["a","b"],"exp":3.5,"nbf":1.5,"iat":2,"jti":"j",
            "client_id":"c","scope":"x  y"}"#;
        let claims: Claims = read(json).unwrap();
        assert_eq!((claims.issuer(), claims.subject()), (Some("i"), Some("ada")));
        assert_eq!((claims.token_id(), claims.client_id()), (Some("j"), Some("c")));
        assert_eq!(claims.audience().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(claims.scopes().collect::<Vec<_>>(), ["x", "y"]);
        let date = |seconds| Some(UNIX_EPOCH + Duration::from_secs_f64(seconds));
        let told = [claims.expires_at(), claims.not_before(), claims.issued_at()];
        assert_eq!(told, [date(3.5), date(1.5), date(2.0)]);

        let claims: Claims = read("{}").unwrap();
        let texts = [claims.issuer(), claims.subject(), claims.token_id(), claims.client_id()];
        assert_eq!(texts, [None; 4]);
        assert_eq!((claims.audience().count(), claims.scopes().count()), (0, 0));
        let dates = [claims.expires_at(), claims.not_before(), claims.issued_at()];
        assert_eq!(dates, [None; 3]);
        // No clock holds these.
        let claims: Claims = read(r#"{"exp":1e300,"nbf":-1}"#).unwrap();
        assert_eq!((claims.expires_at(), claims.not_before()), (None, None));
    }

    #[test]
    fn what_is_left_goes_to_the_users_own_type() {
        let json = r#"{"sub":"ada","a":1,"exp":2,"b":[3]}"#;
        let claims: Claims<BTreeMap<String, serde_json::Value>> = read(json).unwrap();
        let names: Vec<_> = claims.extra().keys().collect();
        assert_eq!(names, ["a", "b"]);
        let claims: Claims<Option<Tenant>> = read(r#"{"sub":"ada","tenant":"acme"}"#).unwrap();
        assert_eq!(claims.extra().as_ref().unwrap().tenant, "acme");
        assert!(read::<Tenant>(r#"{"sub":"ada"}"#).unwrap_err().contains("missing field `tenant`"));
    }

    #[test]
    fn claims_of_the_wrong_type_or_that_stand_twice_are_refused() {
        for json in [
            r#"{"sub":1}"#,
            r#"{"exp":"1"}"#,
            r#"{"aud":1}"#,
            r#"{"aud":["a",1]}"#,
            r#"{"scope":{"a":1}}"#,
            r#"{"sub":"ada","sub":"eve"}"#,
            r#"{"sub":"ada","own":1,"\u0073ub":"eve"}"#,
            "[]",
            "1",
            r#""sub""#,
        ] {
            assert!(read::<()>(json).is_err(), "{json}");
            assert!(read::<BTreeMap<String, serde_json::Value>>(json).is_err(), "{json}");
        }
    }
}
