//! Claims that a verifier requires besides the registered ones.

use serde_json::Value;

use super::{named_claims::NamedClaims, reject::RejectedToken};
use crate::error::AuthError;

/// A claim that must have one of some values.
#[derive(Clone, Debug)]
pub(super) struct RequiredClaim {
    name: String,
    values: Vec<String>,
}

/// The claims that a token must have.
#[derive(Clone, Debug, Default)]
pub(super) struct ClaimRules {
    pub(super) required: Vec<RequiredClaim>,
    /// Of each of these lists, the token must have at least one claim.
    pub(super) alternatives: Vec<Vec<String>>,
    /// The accepted values of an `azp`. `None` accepts any.
    pub(super) authorized_parties: Option<Vec<String>>,
}

impl RequiredClaim {
    pub(super) fn new(
        name: impl Into<String>,
        values: impl IntoIterator<Item = impl Into<String>>,
    ) -> RequiredClaim {
        RequiredClaim { name: name.into(), values: not_empty(values) }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn check(&self, claims: &NamedClaims) -> Result<(), AuthError> {
        let accepts = |value: &str| self.values.iter().any(|accepted| accepted == value);
        let holds = match claims.get(&self.name) {
            // Scopes in a string are a list (RFC 6749, section 3.3).
            Some(Value::String(text)) if matches!(&*self.name, "scope" | "scp") => {
                text.split(' ').any(accepts)
            }
            Some(Value::String(text)) => accepts(text),
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).any(accepts),
            _ => false,
        };
        if holds {
            return Ok(());
        }
        Err(RejectedToken::new("a required claim is missing or has another value")
            .field("claim", &self.name)
            .list("expected_values", &self.values)
            .invalid())
    }
}

impl ClaimRules {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let required = self.required.iter().map(RequiredClaim::name);
        let alternatives = self.alternatives.iter().flatten().map(String::as_str);
        required.chain(alternatives).chain(self.authorized_parties.as_ref().map(|_| "azp"))
    }

    pub(super) fn check(&self, claims: &NamedClaims) -> Result<(), AuthError> {
        for required in &self.required {
            required.check(claims)?;
        }
        for names in &self.alternatives {
            if !names.iter().any(|name| claims.get(name).is_some_and(has_content)) {
                return Err(RejectedToken::new("none of the required claims is present")
                    .list("expected_claims", names)
                    .invalid());
            }
        }
        match &self.authorized_parties {
            Some(parties) => check_authorized_party(claims, parties),
            None => Ok(()),
        }
    }
}

/// Checks that `azp`, if there is one, is among these parties (OpenID Connect Core, section 3.1.3.7).
pub(super) fn check_authorized_party(
    claims: &NamedClaims,
    parties: &[String],
) -> Result<(), AuthError> {
    let Some(azp) = claims.get("azp") else {
        return Ok(());
    };
    if azp.as_str().is_some_and(|azp| parties.iter().any(|party| party == azp)) {
        return Ok(());
    }
    Err(RejectedToken::new("`azp` isn't an authorized party")
        .list("expected_azp", parties)
        .field("unverified_azp", azp.as_str().unwrap_or("not a string"))
        .invalid())
}

fn has_content(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

/// Collects the strings that aren't empty: an empty setting must not match an empty claim.
pub(super) fn not_empty(values: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    values.into_iter().map(Into::into).filter(|value: &String| !value.is_empty()).collect()
}
