//! The trait of schemes.

use super::{
    call_head::CallHead,
    extraction::{ExtractError, Extraction},
    location::CredentialLocation,
};
use crate::challenge::Challenge;

/// A kind of credentials, and where a request carries them.
///
/// A scheme only reads credentials. An [`Authenticate`](crate::Authenticate) checks them.
///
/// A custom scheme may include more of the call head in its credentials, such as a tenant's header beside a
/// token, the address of the peer, or a proof of possession.
///
/// ```
/// use tonic_guard::scheme::{ExtractError, Extraction, CredentialLocation, Scheme};
/// use tonic_guard::CallHead;
/// use http::HeaderName;
///
/// /// A ticket in `x-ticket`, such as `T-1234`.
/// struct Ticket;
///
/// impl Scheme for Ticket {
///     type Credentials = u32;
///
///     fn name(&self) -> &str {
///         "ticket"
///     }
///
///     fn location(&self) -> CredentialLocation {
///         CredentialLocation::Header(HeaderName::from_static("x-ticket"))
///     }
///
///     fn extract(&self, head: &CallHead<'_>) -> Result<Extraction<u32>, ExtractError> {
///         let Some(value) = head.single(&HeaderName::from_static("x-ticket"))? else {
///             return Ok(Extraction::Absent);
///         };
///         let number = value.to_str().ok().and_then(|text| text.strip_prefix("T-"));
///         let number = number.and_then(|digits| digits.parse().ok());
///         number.map(Extraction::Credentials).ok_or(ExtractError::Malformed)
///     }
/// }
///
/// let mut headers = http::HeaderMap::new();
/// let extensions = http::Extensions::new();
///
/// // Accepted.
/// headers.insert("x-ticket", "T-1234".parse().unwrap());
/// let extraction = Ticket.extract(&CallHead::new(&headers, &extensions));
/// assert_eq!(extraction.unwrap().credentials(), Some(1234));
///
/// // Rejected: the grammar of the scheme is violated.
/// headers.insert("x-ticket", "1234".parse().unwrap());
/// let rejected = Ticket.extract(&CallHead::new(&headers, &extensions));
/// assert_eq!(rejected.unwrap_err(), ExtractError::Malformed);
/// ```
///
/// A service implements `Authenticate<Ticket>` and names the scheme as a value: `#[authenticated(scheme = Ticket)]`.
/// The policy table shows that expression, and `ErrorInfo` the [`name`](Scheme::name). A scheme without a
/// [`challenge`](Scheme::challenge) adds no `www-authenticate` to a rejection.
#[diagnostic::on_unimplemented(
    message = "expected a scheme, found a value of the type `{Self}`",
    label = "the trait `Scheme` is not implemented for `{Self}`",
    note = "a built-in scheme is written as a string: `scheme = \"bearer\"`",
    note = "an authenticator follows `via`: `scheme = \"bearer\" via self.tokens`"
)]
pub trait Scheme: Send + Sync + 'static {
    /// The credentials that the authenticator receives. They are owned, because authentication is async.
    ///
    /// Their `Debug` output must not contain secrets, so don't derive it.
    type Credentials: Send + 'static;

    /// The name of the scheme in events and in the `ErrorInfo` of a rejection.
    fn name(&self) -> &str;

    /// Where the scheme reads its credentials.
    fn location(&self) -> CredentialLocation;

    /// Extracts the credentials from the head of a call.
    ///
    /// Only this method decides that credentials are absent: return [`Extraction::Absent`] if and only if the
    /// location is empty.
    ///
    /// # Errors
    /// Returns an [`ExtractError`] when the location holds credentials of this scheme that can't be parsed,
    /// or holds more than one value.
    fn extract(&self, head: &CallHead<'_>) -> Result<Extraction<Self::Credentials>, ExtractError>;

    /// The challenge that a rejection carries in `www-authenticate` (RFC 9110, section 11.6.1). The default
    /// is `None`.
    fn challenge(&self) -> Option<Challenge> {
        None
    }

    /// The `ErrorInfo` reason for invalid credentials.
    fn invalid_reason(&self) -> &'static str {
        "CREDENTIALS_INVALID"
    }
}
