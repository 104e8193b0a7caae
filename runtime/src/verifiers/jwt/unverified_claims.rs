//! The claims that a verifier checks itself (RFC 7519, section 4.1).

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};

use super::unique_members::{MemberNames, SkippedValue};
use crate::verifiers::shared::{
    json_text::JsonText,
    string_or_list::StringOrList,
    token_kind::{
        claim_excludes_id_token, claim_marks_other_kind, token_use_excludes_id_token,
        token_use_marks_other_kind, typ_excludes_id_token, typ_marks_other_kind,
    },
};

/// The claims of a token whose signature isn't verified yet.
///
/// They may serve to reject the token, and never to admit it.
#[derive(Debug, Default)]
pub(super) struct UnverifiedClaims<'a> {
    pub(super) iss: Option<JsonText<'a>>,
    pub(super) aud: Option<StringOrList<JsonText<'a>>>,
    pub(super) exp: Option<f64>,
    pub(super) nbf: Option<f64>,
    /// The token has a `cnf`: the caller must prove that it has a key (RFC 7800, section 3.1).
    pub(super) bound_to_key: bool,
    /// A claim marks the token as another kind than an access token.
    pub(super) not_access_token: bool,
    /// A claim marks the token as another kind than an ID token.
    pub(super) not_id_token: bool,
    /// The token has an `iat`.
    pub(super) dated: bool,
}

impl<'de: 'a, 'a> Deserialize<'de> for UnverifiedClaims<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ClaimsVisitor;

        impl<'de> Visitor<'de> for ClaimsVisitor {
            type Value = UnverifiedClaims<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JWT claims set")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut members: A,
            ) -> Result<UnverifiedClaims<'de>, A::Error> {
                let mut claims = UnverifiedClaims::default();
                let mut names = MemberNames::new();
                while let Some(name) = members.next_key::<JsonText<'de>>()? {
                    // A claim of the wrong type is an error and not an absent claim.
                    match &*name.0 {
                        "iss" => claims.iss = Some(members.next_value()?),
                        "aud" => claims.aud = Some(members.next_value()?),
                        "exp" => claims.exp = Some(members.next_value()?),
                        "nbf" => claims.nbf = Some(members.next_value()?),
                        "iat" => {
                            members.next_value::<f64>()?;
                            claims.dated = true;
                        }
                        "token_use" => {
                            let token_use = members.next_value::<JsonText<'de>>()?.0;
                            claims.not_access_token |= token_use_marks_other_kind(&token_use);
                            claims.not_id_token |= token_use_excludes_id_token(&token_use);
                        }
                        "typ" => {
                            let typ = members.next_value::<JsonText<'de>>()?.0;
                            claims.not_access_token |= typ_marks_other_kind(&typ);
                            claims.not_id_token |= typ_excludes_id_token(&typ);
                        }
                        name => {
                            members.next_value::<SkippedValue>()?;
                            claims.bound_to_key |= name == "cnf";
                            claims.not_access_token |= claim_marks_other_kind(name);
                            claims.not_id_token |= claim_excludes_id_token(name);
                        }
                    }
                    names.push(name);
                }
                names.check_unique()?;
                Ok(claims)
            }
        }

        deserializer.deserialize_map(ClaimsVisitor)
    }
}
