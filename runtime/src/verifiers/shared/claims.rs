//! The claims of a token, as an identity.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::Deserialize;

use self::content::Content;
use super::string_or_list::StringOrList;
use crate::evaluate::requirement::HasScopes;

mod content;

/// The registered claims of a token (RFC 7519, section 4.1; RFC 9068, section 2.2), and your own
/// claims, `Extra`. An introspection response has the same ones (RFC 7662, section 2.2).
///
/// A clone shares the claims. The scopes are those of `scope` or, if that is absent, of `scp`. Each
/// of the two may be a string with spaces (RFC 9068, section 2.2.3) or a list.
///
/// ```
/// use serde::Deserialize;
/// use tonic_guard::HasScopes;
#[cfg_attr(feature = "jwt", doc = "use tonic_guard::jwt::Claims;")]
#[cfg_attr(not(feature = "jwt"), doc = "use tonic_guard::introspection::Claims;")]
///
/// #[derive(Deserialize)]
/// struct Tenant {
///     tenant: String,
/// }
///
/// let payload = r#"{"iss": "https://id.example", "sub": "ada", "exp": 1796303905,
///     "scope": "orders:read orders:write", "tenant": "acme"}"#;
/// let claims: Claims<Tenant> = serde_json::from_str(payload).unwrap();
/// assert_eq!(claims.subject(), Some("ada"));
/// assert_eq!(claims.extra().tenant, "acme");
/// assert!(claims.has_scope("orders:read"));
/// assert!(!claims.has_scope("orders"));
/// ```
pub struct Claims<Extra = ()>(Arc<Content<Extra>>);

impl<Extra> Claims<Extra> {
    /// `iss`: the issuer of the token.
    pub fn issuer(&self) -> Option<&str> {
        self.0.registered.iss.as_deref()
    }

    /// `sub`: the subject, unique at the issuer. It is an id and not a display name.
    pub fn subject(&self) -> Option<&str> {
        self.0.registered.sub.as_deref()
    }

    /// `aud`: the audiences.
    pub fn audience(&self) -> impl Iterator<Item = &str> {
        items(&self.0.registered.aud)
    }

    /// `exp`: the time at which the token expires.
    ///
    /// A verifier accepts a token for its clock skew longer, by default for a minute.
    pub fn expires_at(&self) -> Option<SystemTime> {
        system_time(self.0.registered.exp)
    }

    /// `nbf`: the time at which the token becomes valid.
    pub fn not_before(&self) -> Option<SystemTime> {
        system_time(self.0.registered.nbf)
    }

    /// `iat`: the time at which the token was issued.
    pub fn issued_at(&self) -> Option<SystemTime> {
        system_time(self.0.registered.iat)
    }

    /// `jti`: the id of the token.
    pub fn token_id(&self) -> Option<&str> {
        self.0.registered.jti.as_deref()
    }

    /// `client_id`: the client that the token was issued to.
    pub fn client_id(&self) -> Option<&str> {
        self.0.registered.client_id.as_deref()
    }

    /// The granted scopes: those of `scope` or, if that is absent, of `scp`.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        let registered = &self.0.registered;
        let granted = if registered.scope.is_some() { &registered.scope } else { &registered.scp };
        items(granted).flat_map(|item| item.split(' ')).filter(|scope| !scope.is_empty())
    }

    /// Your own claims.
    pub fn extra(&self) -> &Extra {
        &self.0.extra
    }
}

fn items(claim: &Option<StringOrList<Box<str>>>) -> impl Iterator<Item = &str> {
    claim.as_ref().map_or(&[][..], StringOrList::as_slice).iter().map(|item| &**item)
}

/// Converts a NumericDate. Returns `None` if `SystemTime` can't hold it.
fn system_time(seconds: Option<f64>) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds?).ok()?)
}

impl<Extra> HasScopes for Claims<Extra> {
    fn has_scope(&self, scope: &str) -> bool {
        self.scopes().any(|granted| granted == scope)
    }
}

impl<Extra> Clone for Claims<Extra> {
    fn clone(&self) -> Self {
        Claims(Arc::clone(&self.0))
    }
}

impl<'de, Extra: Deserialize<'de>> Deserialize<'de> for Claims<Extra> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Content::deserialize(deserializer).map(|content| Claims(Arc::new(content)))
    }
}

// Claims are personal data, so only the subject's id is printed.
impl<Extra> fmt::Debug for Claims<Extra> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").field("sub", &self.0.registered.sub).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Tenant {
        tenant: String,
        level: Option<u8>,
    }

    fn read<'a, Extra: Deserialize<'a>>(json: &'a str) -> Result<Claims<Extra>, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn registered_claims_are_read_in_any_order() {
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
    fn each_registered_claim_has_a_getter() {
        let json = r#"{"iss":"i","sub":"ada","aud":["a","b"],"exp":3.5,"nbf":1.5,"iat":2,"jti":"j",
            "client_id":"c","scope":"x  y"}"#;
        let claims: Claims = read(json).unwrap();
        assert_eq!((claims.issuer(), claims.subject()), (Some("i"), Some("ada")));
        assert_eq!((claims.token_id(), claims.client_id()), (Some("j"), Some("c")));
        assert_eq!(claims.audience().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(claims.scopes().collect::<Vec<_>>(), ["x", "y"]);
        let date = |seconds| Some(UNIX_EPOCH + Duration::from_secs_f64(seconds));
        let dates = [claims.expires_at(), claims.not_before(), claims.issued_at()];
        assert_eq!(dates, [date(3.5), date(1.5), date(2.0)]);

        let claims: Claims = read("{}").unwrap();
        let texts = [claims.issuer(), claims.subject(), claims.token_id(), claims.client_id()];
        assert_eq!(texts, [None; 4]);
        assert_eq!((claims.audience().count(), claims.scopes().count()), (0, 0));
        let dates = [claims.expires_at(), claims.not_before(), claims.issued_at()];
        assert_eq!(dates, [None; 3]);
        // `SystemTime` can't hold these.
        let claims: Claims = read(r#"{"exp":1e300,"nbf":-1}"#).unwrap();
        assert_eq!((claims.expires_at(), claims.not_before()), (None, None));
    }

    #[test]
    fn other_claims_are_read_into_the_users_type() {
        let json = r#"{"sub":"ada","a":1,"exp":2,"b":[3]}"#;
        let claims: Claims<BTreeMap<String, serde_json::Value>> = read(json).unwrap();
        let names: Vec<_> = claims.extra().keys().collect();
        assert_eq!(names, ["a", "b"]);
        let claims: Claims<Option<Tenant>> = read(r#"{"sub":"ada","tenant":"acme"}"#).unwrap();
        assert_eq!(claims.extra().as_ref().unwrap().tenant, "acme");
        assert!(read::<Tenant>(r#"{"sub":"ada"}"#).unwrap_err().contains("missing field `tenant`"));
    }

    #[test]
    fn claims_of_the_wrong_type_and_duplicate_claims_are_rejected() {
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
