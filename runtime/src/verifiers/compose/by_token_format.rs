//! Several kinds of token in one header, told apart by how they look.

use std::{fmt, time::Duration};

use super::branches::{self, Branch, branch};
use crate::{
    authenticate::Authenticate,
    error::AuthError,
    evaluate::deadline::authenticate_in_time,
    evaluate::identity::FromIdentity,
    scheme::{Bearer, BearerToken},
};

/// Takes bearer tokens of several kinds, and knows each kind by its shape.
///
/// A token has one shape, and one verifier is asked. Where there is a verifier for JWTs, whatever looks
/// like one goes there and nowhere else, whichever prefix it has.
///
/// ```
/// use tonic_guard::compose::ByTokenFormat;
/// use tonic_guard::scheme::{Bearer, BearerToken};
/// use tonic_guard::{AuthError, Authenticate};
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
/// #     async fn authenticate(&self, _: BearerToken) -> Result<Claims, AuthError> { Err(AuthError::invalid()) }
/// # }
/// # struct Session { user: String }
/// # struct Sessions;
/// # impl Authenticate<Bearer> for Sessions {
/// #     type Identity = Session;
/// #     async fn authenticate(&self, token: BearerToken) -> Result<Session, AuthError> {
/// #         if token.matches("sess_1") { Ok(Session { user: "ada".into() }) } else { Err(AuthError::invalid()) }
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
/// // Let in: a session.
/// assert_eq!(tokens.authenticate(token("sess_1")).await.unwrap(), User("ada".into()));
/// // Refused: no shape that is known.
/// assert!(tokens.authenticate(token("1")).await.is_err());
/// # }
/// ```
///
/// Each verifier has its own deadline. That callers need no credentials of one of them
/// ([`bypass`](crate::Authenticate::bypass)) is never asked.
pub struct ByTokenFormat<I> {
    jwts: Option<Branch<I>>,
    prefixed: Vec<(String, Branch<I>)>,
    others: Option<Branch<I>>,
}

impl<I: Send + Sync + 'static> ByTokenFormat<I> {
    /// No tokens at all, so far.
    pub fn new() -> Self {
        ByTokenFormat { jwts: None, prefixed: Vec::new(), others: None }
    }

    /// Tokens in the shape of a JWT are `verifier`'s: three or five parts between dots, of which the
    /// first may be the base64url of a JSON object (RFC 7515, section 7.1; RFC 7516, section 7.1).
    ///
    /// # Panics
    /// When there is such a verifier already.
    #[must_use]
    pub fn jwt<A>(mut self, verifier: A) -> Self
    where
        A: Authenticate<Bearer> + 'static,
        I: FromIdentity<A::Identity>,
    {
        assert!(self.jwts.is_none(), "`ByTokenFormat` has one verifier for JWTs: see `ByIssuer`");
        self.jwts = Some(branch(verifier));
        self
    }

    /// Tokens that begin with `prefix`, and aren't of the shape of a JWT where that has a verifier, are
    /// `verifier`'s. The prefix is part of the token.
    ///
    /// # Panics
    /// When it is empty, or begins like another prefix: two verifiers would claim one token.
    #[must_use]
    pub fn prefix<A>(mut self, prefix: impl Into<String>, verifier: A) -> Self
    where
        A: Authenticate<Bearer> + 'static,
        I: FromIdentity<A::Identity>,
    {
        let prefix = prefix.into();
        assert!(!prefix.is_empty(), "every token begins with an empty prefix: see `otherwise`");
        let claimed = |(other, _): &(String, _)| {
            other.starts_with(&prefix) || prefix.starts_with(other.as_str())
        };
        assert!(
            !self.prefixed.iter().any(claimed),
            "`{prefix}` begins like another prefix: two verifiers would claim one token"
        );
        self.prefixed.push((prefix, branch(verifier)));
        self
    }

    /// Tokens of no other shape are `verifier`'s. Without it they are refused.
    ///
    /// # Panics
    /// When there is such a verifier already.
    #[must_use]
    pub fn otherwise<A>(mut self, verifier: A) -> Self
    where
        A: Authenticate<Bearer> + 'static,
        I: FromIdentity<A::Identity>,
    {
        assert!(
            self.others.is_none(),
            "`ByTokenFormat` has one verifier for tokens of no other shape"
        );
        self.others = Some(branch(verifier));
        self
    }

    fn chosen(&self, token: &[u8]) -> Option<&Branch<I>> {
        if let Some(jwts) = self.jwts.as_ref().filter(|_| is_jwt(token)) {
            return Some(jwts);
        }
        let prefixed =
            self.prefixed.iter().find(|(prefix, _)| token.starts_with(prefix.as_bytes()));
        prefixed.map(|(_, branch)| branch).or(self.others.as_ref())
    }

    fn branches(&self) -> impl Iterator<Item = &Branch<I>> {
        let prefixed = self.prefixed.iter().map(|(_, branch)| branch);
        self.jwts.iter().chain(prefixed).chain(&self.others)
    }
}

impl<I: Send + Sync + 'static> Default for ByTokenFormat<I> {
    fn default() -> Self {
        ByTokenFormat::new()
    }
}

impl<I> fmt::Debug for ByTokenFormat<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefixes: Vec<_> = self.prefixed.iter().map(|(prefix, _)| prefix).collect();
        f.debug_struct("ByTokenFormat")
            .field("jwt", &self.jwts.is_some())
            .field("prefixes", &prefixes)
            .field("otherwise", &self.others.is_some())
            .finish()
    }
}

impl<I: Send + Sync + 'static> Authenticate<Bearer> for ByTokenFormat<I> {
    type Identity = I;

    async fn authenticate(&self, token: BearerToken) -> Result<I, AuthError> {
        match self.chosen(token.as_bytes()) {
            Some(verifier) => authenticate_in_time(verifier, token).await,
            None => Err(AuthError::invalid().because("no verifier takes tokens of this shape")),
        }
    }

    fn deadline(&self) -> Duration {
        branches::deadline(self.branches())
    }

    fn invalid_reason(&self) -> Option<&'static str> {
        branches::invalid_reason(self.branches())
    }
}

/// Whether a verifier of JWTs could find one in `token`: nothing that it accepts is missed here.
fn is_jwt(token: &[u8]) -> bool {
    let dots = token.iter().filter(|byte| **byte == b'.').count();
    let [first, second, ..] = token else { return false };
    let (Some(first), Some(second)) = (base64url(*first), base64url(*second)) else { return false };
    // The first byte of the header: of an object, or of the white space that JSON allows before it.
    let byte = first << 2 | second >> 4;
    matches!(dots, 2 | 4) && matches!(byte, b'{' | b' ' | b'\t' | b'\n' | b'\r')
}

/// The value of a digit of base64url (RFC 4648, section 5).
fn base64url(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'-' => Some(62),
        b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

    use super::*;

    #[test]
    fn every_header_in_json_makes_a_jwt() {
        for header in
            ["{}", "{\"alg\":\"RS256\"}", " {}", "\n{ }", "\t{}", "\r\n{}", "{\n\"alg\":\"none\"}"]
        {
            let encoded = BASE64_URL_SAFE_NO_PAD.encode(header);
            for token in [format!("{encoded}.e30.c2ln"), format!("{encoded}.a.b.c.d")] {
                assert!(is_jwt(token.as_bytes()), "{header:?}");
            }
            // What is signed nowhere, and what has too many parts, is none.
            for token in [encoded.clone(), format!("{encoded}.a"), format!("{encoded}.a.b.c")] {
                assert!(!is_jwt(token.as_bytes()), "{header:?}");
            }
            assert!(is_jwt(format!("{encoded}..").as_bytes()), "{header:?}");
        }
    }

    /// Whatever stands behind the brace, which a verifier of JWTs then refuses.
    #[test]
    fn what_begins_like_an_object_goes_where_jwts_go() {
        for second in ('w'..='z').chain('0'..='9').chain(['-', '_']) {
            assert!(is_jwt(format!("e{second}.a.b").as_bytes()), "{second}");
        }
        for second in ('A'..='Z').chain('a'..='v') {
            assert!(!is_jwt(format!("e{second}.a.b").as_bytes()), "{second}");
        }
    }

    #[test]
    fn other_tokens_are_no_jwt() {
        for token in
            ["", ".", "..", "e..", "sess_a.b.c", "v4.public.abc", "ya29.a.b", "hvs.a.b", "e+.a.b"]
        {
            assert!(!is_jwt(token.as_bytes()), "{token}");
        }
        assert!(!is_jwt(format!("{}.a.b", BASE64_URL_SAFE_NO_PAD.encode("[]")).as_bytes()));
    }
}
