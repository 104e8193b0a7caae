//! Schemes: where a kind of credential stands in a call's head, and what it looks like there.

mod api_key;
mod authorization;
mod basic;
mod bearer;
mod call_head;
#[cfg(feature = "client-certificate")]
mod client_certificate;
mod from_extensions;

pub use api_key::{ApiKey, ApiKeyValue};
pub use basic::{Basic, BasicCredentials};
pub use bearer::{Bearer, BearerToken};
pub use call_head::{CallHead, RpcName};
#[cfg(feature = "client-certificate")]
#[cfg_attr(docsrs, doc(cfg(feature = "client-certificate")))]
pub use client_certificate::{CertificateChain, ClientCertificate};
pub use from_extensions::{FromExtensions, TrustExtension};

use http::HeaderName;

use crate::challenge::Challenge;

/// A kind of credential and the place where a call carries it.
///
/// A scheme only reads. Whether the credentials are good is the answer of an
/// [`Authenticate`](crate::Authenticate).
///
/// A scheme of your own may put more of the head into its credentials: a tenant's header beside a
/// token, the peer, a proof of possession.
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
/// headers.insert("x-ticket", "T-1234".parse().unwrap());
/// let found = Ticket.extract(&CallHead::new(&headers, &extensions));
/// assert_eq!(found.unwrap().credentials(), Some(1234));
///
/// headers.insert("x-ticket", "1234".parse().unwrap());
/// let refused = Ticket.extract(&CallHead::new(&headers, &extensions));
/// assert_eq!(refused.unwrap_err(), ExtractError::Malformed);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` isn't a scheme",
    label = "expected a value whose type implements `Scheme`",
    note = "the schemes with a word are written as such: `scheme = \"bearer\"`",
    note = "what checks the credentials stands behind `via`: `scheme = \"bearer\" via self.tokens`"
)]
pub trait Scheme: Send + Sync + 'static {
    /// What is handed to the authenticator. Owned, because it crosses an await.
    ///
    /// It must not print its secrets: write `Debug` by hand.
    type Credentials: Send + 'static;

    /// The scheme's name in logs and in the `ErrorInfo` of a refusal.
    fn name(&self) -> &str;

    /// Where the credentials stand.
    fn location(&self) -> CredentialLocation;

    /// Finds the credentials.
    ///
    /// Only this decides that a call carries none: answer [`Extraction::Absent`] when the place is empty
    /// and for no other reason.
    ///
    /// # Errors
    /// When something is there for this scheme and can't be read.
    fn extract(&self, head: &CallHead<'_>) -> Result<Extraction<Self::Credentials>, ExtractError>;

    /// What a refused caller is told to present (RFC 9110, section 11.6.1).
    fn challenge(&self) -> Option<Challenge> {
        None
    }

    /// The `ErrorInfo` reason for credentials that are wrong.
    fn invalid_reason(&self) -> &'static str {
        "CREDENTIALS_INVALID"
    }
}

/// Where a scheme's credentials stand.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialLocation {
    /// In a header of the call. The front door marks its values sensitive.
    Header(HeaderName),
    /// In the call's extensions, where a layer of the server put it.
    Extensions,
    /// In the connection, such as a client certificate. Under `one_of` it decides only when the
    /// call itself carries nothing, or the certificate of a sidecar would.
    Connection,
}

/// What [`Scheme::extract`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extraction<C> {
    /// The place is empty.
    Absent,
    /// The place holds credentials of another scheme, such as `Basic ..` for [`Bearer`]. Another
    /// scheme of the same policy may claim them; if none does, the call is refused.
    OtherScheme,
    /// Credentials for this scheme.
    Credentials(C),
}

impl<C> Extraction<C> {
    /// The credentials, if any were found.
    pub fn credentials(self) -> Option<C> {
        match self {
            Extraction::Credentials(credentials) => Some(credentials),
            Extraction::Absent | Extraction::OtherScheme => None,
        }
    }
}

/// Why credentials that are there can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExtractError {
    /// They don't follow the scheme's grammar.
    Malformed,
    /// They are there more than once.
    Duplicate,
}

impl std::fmt::Display for ExtractError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            ExtractError::Malformed => "the credentials are malformed",
            ExtractError::Duplicate => "credentials are presented more than once",
        })
    }
}

impl std::error::Error for ExtractError {}
