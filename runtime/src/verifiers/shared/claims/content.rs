//! Reads the registered claims and the user's own claims in one pass.
//!
//! `#[serde(flatten)]` would first copy every member.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor,
        value::{BorrowedStrDeserializer, StringDeserializer},
    },
    forward_to_deserialize_any,
};

use crate::verifiers::shared::{json_text::JsonText, string_or_list::StringOrList};

pub(super) struct Content<Extra> {
    pub(super) registered: Registered,
    pub(super) extra: Extra,
}

#[derive(Default)]
pub(super) struct Registered {
    pub(super) iss: Option<Box<str>>,
    pub(super) sub: Option<Box<str>>,
    pub(super) aud: Option<StringOrList<Box<str>>>,
    pub(super) exp: Option<f64>,
    pub(super) nbf: Option<f64>,
    pub(super) iat: Option<f64>,
    pub(super) jti: Option<Box<str>>,
    pub(super) client_id: Option<Box<str>>,
    pub(super) scope: Option<StringOrList<Box<str>>>,
    pub(super) scp: Option<StringOrList<Box<str>>>,
}

impl<'de, Extra: Deserialize<'de>> Deserialize<'de> for Content<Extra> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ContentVisitor<Extra>(PhantomData<Extra>);

        impl<'de, Extra: Deserialize<'de>> Visitor<'de> for ContentVisitor<Extra> {
            type Value = Content<Extra>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("claims")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Content<Extra>, A::Error> {
                let mut registered = Registered::default();
                let mut extra_members = ExtraMembers { members, registered: &mut registered };
                let extra = Extra::deserialize(&mut extra_members)?;
                // `Extra` may stop before the last member, and registered claims may follow.
                while extra_members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Content { registered, extra })
            }
        }

        deserializer.deserialize_map(ContentVisitor(PhantomData))
    }
}

/// The members that aren't registered claims, as a separate object.
///
/// Its iteration stores the registered claims in `registered` and skips them.
struct ExtraMembers<'a, A> {
    members: A,
    registered: &'a mut Registered,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for ExtraMembers<'_, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let registered = &mut *self.registered;
        while let Some(JsonText(name)) = self.members.next_key()? {
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

/// Reads the value of a claim. Returns an error if the claim was read before.
fn once<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    slot: &mut Option<T>,
    name: &'static str,
    members: &mut A,
) -> Result<(), A::Error> {
    if slot.is_some() {
        return Err(A::Error::duplicate_field(name));
    }
    *slot = members.next_value()?;
    Ok(())
}

impl<'de, A: MapAccess<'de>> Deserializer<'de> for &mut ExtraMembers<'_, A> {
    type Error = A::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, A::Error> {
        visitor.visit_map(self)
    }

    /// `()` reads no extra claim.
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
