//! Selects the verifier of a bearer token by the token's format.

use std::{fmt, time::Duration};

use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{GeneralPurpose, general_purpose::NO_PAD},
};

use super::delegate::{Delegate, common_invalid_reason, delegate, max_deadline};
use crate::{
    authenticate::{Authenticate, Authenticated, Immediate},
    error::AuthError,
    evaluate::deadline::authenticate_in_time,
    evaluate::identity::FromIdentity,
    scheme::{Bearer, BearerToken},
};

/// Accepts bearer tokens of several kinds, distinguished by their format.
///
/// Exactly one verifier is selected for a token. If there is a verifier for JWTs, it gets every token in the
/// format of a JWT, whatever its prefix.
///
/// ```
/// use tonic_guard::compose::ByTokenFormat;
/// use tonic_guard::scheme::{Bearer, BearerToken};
/// use tonic_guard::{AuthError, Authenticate, Authenticated};
/// # use http::{Extensions, HeaderMap};
/// # use tonic_guard::{CallHead, scheme::Scheme};
/// # fn token(token: &str) -> BearerToken {
/// #     let mut headers = HeaderMap::new();
/// #     headers.insert("authorization", format!("Bearer {token}").parse().unwrap());
/// #     let extensions = Extensions::new();
/// #     let found = Bearer::new().extract(&CallHead::new(&headers, &extensions));
/// #     found.unwrap().credentials().unwrap()
/// # }
/// # struct Claims { subject: String }
/// # struct Jwts;
/// # impl Authenticate<Bearer> for Jwts {
/// #     type Identity = Claims;
/// #     async fn authenticate(&self, _: BearerToken) -> Result<Authenticated<Claims>, AuthError> { Err(AuthError::invalid()) }
/// # }
/// # struct Session { user: String }
/// # struct Sessions;
/// # impl Authenticate<Bearer> for Sessions {
/// #     type Identity = Session;
/// #     async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<Session>, AuthError> {
/// #         if token.matches("sess_1") { Ok(Session { user: "ada".into() }.into()) } else { Err(AuthError::invalid()) }
/// #     }
/// # }
///
/// #[derive(Debug, PartialEq)]
/// struct User(String);
///
/// impl From<Claims> for User {
///     fn from(claims: Claims) -> Self {
///         User(claims.subject)
///     }
/// }
///
/// impl From<Session> for User {
///     fn from(session: Session) -> Self {
///         User(session.user)
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let tokens: ByTokenFormat<User> = ByTokenFormat::new().jwt(Jwts).prefix("sess_", Sessions);
///
/// // Admitted: a session token.
/// let caller = tokens.authenticate(token("sess_1")).await;
/// assert_eq!(caller.unwrap().into_identity(), User("ada".into()));
/// // Rejected: an unknown format.
/// assert!(tokens.authenticate(token("1")).await.is_err());
/// # }
/// ```
///
/// Each verifier keeps its own deadline. The verifiers' [`bypass`](crate::Authenticate::bypass) is ignored.
pub struct ByTokenFormat<I> {
    jwt: Option<Delegate<I>>,
    prefixes: Vec<(String, Delegate<I>)>,
    otherwise: Option<Delegate<I>>,
}

impl<I: Send + Sync + 'static> ByTokenFormat<I> {
    /// A verifier without formats, which rejects every token.
    pub fn new() -> Self {
        ByTokenFormat { jwt: None, prefixes: Vec::new(), otherwise: None }
    }

    /// Passes tokens in the format of a JWT to `verifier`.
    ///
    /// Such a token has three or five parts between dots, and its first part begins like the base64url of a
    /// JSON object (RFC 7515, section 7.1; RFC 7516, section 7.1).
    ///
    /// # Panics
    /// Panics if there is a verifier for JWTs already.
    #[must_use]
    pub fn jwt<A>(mut self, verifier: A) -> Self
    where
        A: Authenticate<Bearer> + 'static,
        I: FromIdentity<A::Identity>,
    {
        assert!(
            self.jwt.is_none(),
            "there is a verifier for JWTs already: `ByIssuer` takes several"
        );
        self.jwt = Some(delegate(verifier));
        self
    }

    /// Passes tokens that begin with `prefix` to `verifier`, unless the verifier for JWTs gets them.
    ///
    /// The token is passed with its prefix.
    ///
    /// # Panics
    /// Panics if the prefix is empty, or if it begins with another prefix or another prefix with it.
    #[must_use]
    pub fn prefix<A>(mut self, prefix: impl Into<String>, verifier: A) -> Self
    where
        A: Authenticate<Bearer> + 'static,
        I: FromIdentity<A::Identity>,
    {
        let prefix = prefix.into();
        assert!(
            !prefix.is_empty(),
            "the prefix is empty: `otherwise` takes the verifier of all other tokens"
        );
        let overlaps = |(other, _): &(String, _)| {
            other.starts_with(&prefix) || prefix.starts_with(other.as_str())
        };
        assert!(
            !self.prefixes.iter().any(overlaps),
            "the prefix `{prefix}` overlaps with another prefix"
        );
        self.prefixes.push((prefix, delegate(verifier)));
        self
    }

    /// Passes tokens of any other format to `verifier`. Without it they are rejected.
    ///
    /// # Panics
    /// Panics if `otherwise` was already called.
    #[must_use]
    pub fn otherwise<A>(mut self, verifier: A) -> Self
    where
        A: Authenticate<Bearer> + 'static,
        I: FromIdentity<A::Identity>,
    {
        assert!(self.otherwise.is_none(), "there is a verifier for all other tokens already");
        self.otherwise = Some(delegate(verifier));
        self
    }

    fn select(&self, token: &[u8]) -> Option<&Delegate<I>> {
        if let Some(jwt) = self.jwt.as_ref().filter(|_| is_jwt(token)) {
            return Some(jwt);
        }
        let prefixed =
            self.prefixes.iter().find(|(prefix, _)| token.starts_with(prefix.as_bytes()));
        prefixed.map(|(_, delegate)| delegate).or(self.otherwise.as_ref())
    }

    fn delegates(&self) -> impl Iterator<Item = &Delegate<I>> {
        let prefixed = self.prefixes.iter().map(|(_, delegate)| delegate);
        self.jwt.iter().chain(prefixed).chain(&self.otherwise)
    }
}

impl<I: Send + Sync + 'static> Default for ByTokenFormat<I> {
    fn default() -> Self {
        ByTokenFormat::new()
    }
}

impl<I> fmt::Debug for ByTokenFormat<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefixes: Vec<_> = self.prefixes.iter().map(|(prefix, _)| prefix).collect();
        f.debug_struct("ByTokenFormat")
            .field("jwt", &self.jwt.is_some())
            .field("prefixes", &prefixes)
            .field("otherwise", &self.otherwise.is_some())
            .finish()
    }
}

impl<I: Send + Sync + 'static> Authenticate<Bearer> for ByTokenFormat<I> {
    type Identity = I;

    async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<I>, AuthError> {
        match self.select(token.as_bytes()) {
            Some(verifier) => authenticate_in_time(verifier, token).await,
            None => Err(unknown_format()),
        }
    }

    fn authenticate_now(&self, token: BearerToken) -> Immediate<I, BearerToken> {
        match self.select(token.as_bytes()) {
            Some(verifier) => verifier.authenticate_now(token),
            None => Immediate::Decided(Err(unknown_format())),
        }
    }

    fn deadline(&self) -> Duration {
        max_deadline(self.delegates())
    }

    fn invalid_reason(&self) -> Option<&'static str> {
        common_invalid_reason(self.delegates())
    }
}

/// Decodes the first byte of a longer text, so that unused bits may have any value.
fn unknown_format() -> AuthError {
    AuthError::invalid().because("no verifier is set for tokens of this format")
}

static FIRST_BYTE: GeneralPurpose =
    GeneralPurpose::new(&URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));

/// Returns whether `token` may be a JWT. It is true for every token that a verifier of JWTs accepts.
fn is_jwt(token: &[u8]) -> bool {
    let dots = token.iter().filter(|byte| **byte == b'.').count();
    if !matches!(dots, 2 | 4) {
        return false;
    }
    let Some(start) = token.get(..2) else { return false };
    let mut decoded = [0; 3];
    // The first byte of the header: a brace, or the white space that JSON allows before it.
    FIRST_BYTE.decode_slice(start, &mut decoded) == Ok(1)
        && matches!(decoded, [b'{' | b' ' | b'\t' | b'\n' | b'\r', ..])
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

    use super::*;

    #[test]
    fn token_with_any_json_header_is_a_jwt() {
        for header in
            ["{}", "{\"alg\":\"RS256\"}", " {}", "\n{ }", "\t{}", "\r\n{}", "{\n\"alg\":\"none\"}"]
        {
            let encoded = BASE64_URL_SAFE_NO_PAD.encode(header);
            for token in [format!("{encoded}.e30.c2ln"), format!("{encoded}.a.b.c.d")] {
                assert!(is_jwt(token.as_bytes()), "{header:?}");
            }
            // One, two and four parts.
            for token in [encoded.clone(), format!("{encoded}.a"), format!("{encoded}.a.b.c")] {
                assert!(!is_jwt(token.as_bytes()), "{header:?}");
            }
            assert!(is_jwt(format!("{encoded}..").as_bytes()), "{header:?}");
        }
    }

    /// `e` and one of these characters are the base64url of `{`. The verifier checks the rest.
    #[test]
    fn token_that_begins_like_a_json_object_is_a_jwt() {
        for second in ('w'..='z').chain('0'..='9').chain(['-', '_']) {
            assert!(is_jwt(format!("e{second}.a.b").as_bytes()), "{second}");
        }
        for second in ('A'..='Z').chain('a'..='v') {
            assert!(!is_jwt(format!("e{second}.a.b").as_bytes()), "{second}");
        }
    }

    #[test]
    fn other_tokens_are_not_jwts() {
        for token in
            ["", ".", "..", "e..", "sess_a.b.c", "v4.public.abc", "ya29.a.b", "hvs.a.b", "e+.a.b"]
        {
            assert!(!is_jwt(token.as_bytes()), "{token}");
        }
        assert!(!is_jwt(format!("{}.a.b", BASE64_URL_SAFE_NO_PAD.encode("[]")).as_bytes()));
    }
}
