//! Where a request carries credentials.

use http::HeaderName;

/// Where a scheme reads its credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialLocation {
    /// A header of the call. A guard marks its values sensitive, so that they don't appear in `Debug` output.
    Header(HeaderName),
    /// The extensions of the call, where a layer of the server inserts a value.
    Extensions,
    /// The connection, such as the client certificate of TLS.
    ///
    /// Under `one_of` it decides only when the call itself carries no credentials. Otherwise the certificate
    /// of a sidecar would decide for every call that passes through it.
    Connection,
}
