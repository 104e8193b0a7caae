use std::{
    fmt,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::Deserialize;

use crate::evaluate::requirement::HasScopes;

mod reading;

/// The registered claims of a token (RFC 7519, section 4.1; RFC 9068, section 2.2), and `Extra`: those
/// of the user's own. An introspection response has them too (RFC 7662, section 2.2).
///
/// A clone shares them. Scopes are read from `scope` or, where there is none, from `scp`; both may be one
/// text with spaces (RFC 9068, section 2.2.3) or a list.
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

struct Content<Extra> {
    registered: Registered,
    extra: Extra,
}

#[derive(Default)]
struct Registered {
    iss: Option<Box<str>>,
    sub: Option<Box<str>>,
    aud: Option<Listed>,
    exp: Option<f64>,
    nbf: Option<f64>,
    iat: Option<f64>,
    jti: Option<Box<str>>,
    client_id: Option<Box<str>>,
    scope: Option<Listed>,
    scp: Option<Listed>,
}

enum Listed {
    One(Box<str>),
    Several(Vec<Box<str>>),
}

impl Listed {
    fn items(&self) -> &[Box<str>] {
        match self {
            Listed::One(one) => std::slice::from_ref(one),
            Listed::Several(several) => several,
        }
    }
}

impl<Extra> Claims<Extra> {
    /// `iss`: who made the token.
    pub fn issuer(&self) -> Option<&str> {
        self.0.registered.iss.as_deref()
    }

    /// `sub`: whom it speaks of. Unique at its issuer, and not to be taken for a name.
    pub fn subject(&self) -> Option<&str> {
        self.0.registered.sub.as_deref()
    }

    /// `aud`: for whom it is.
    pub fn audience(&self) -> impl Iterator<Item = &str> {
        self.0.registered.aud.as_ref().map_or(&[][..], Listed::items).iter().map(|item| &**item)
    }

    /// `exp`: from when on it isn't accepted.
    pub fn expires_at(&self) -> Option<SystemTime> {
        date(self.0.registered.exp)
    }

    /// `nbf`: until when it isn't accepted yet.
    pub fn not_before(&self) -> Option<SystemTime> {
        date(self.0.registered.nbf)
    }

    /// `iat`: when it was made.
    pub fn issued_at(&self) -> Option<SystemTime> {
        date(self.0.registered.iat)
    }

    /// `jti`: its own id.
    pub fn token_id(&self) -> Option<&str> {
        self.0.registered.jti.as_deref()
    }

    /// `client_id`: which client it was made for.
    pub fn client_id(&self) -> Option<&str> {
        self.0.registered.client_id.as_deref()
    }

    /// What the caller was granted: `scope` or `scp`.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        let granted = self.0.registered.scope.as_ref().or(self.0.registered.scp.as_ref());
        let items = granted.map_or(&[][..], Listed::items).iter();
        items.flat_map(|item| item.split(' ')).filter(|scope| !scope.is_empty())
    }

    /// The claims of the user's own.
    pub fn extra(&self) -> &Extra {
        &self.0.extra
    }
}

/// A date that time can be counted to; a token's `exp` needn't be one.
fn date(seconds: Option<f64>) -> Option<SystemTime> {
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

// Claims speak of a person: what a log shows of them is the id.
impl<Extra> fmt::Debug for Claims<Extra> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims").field("sub", &self.0.registered.sub).finish_non_exhaustive()
    }
}
