//! The client side: requests with credentials, and the outcomes of calls.

use tonic::{Request, Status, metadata::AsciiMetadataValue};
use tonic_types::StatusExt;

use crate::demo;

/// The credentials of a call.
#[derive(Clone, Copy, Debug)]
pub struct Credentials {
    /// A description without the secret, for the output.
    pub kind: &'static str,
    token: Option<&'static str>,
    key: Option<&'static str>,
}

impl Credentials {
    /// No credentials.
    pub const NONE: Self = Credentials { kind: "none", token: None, key: None };
    /// The token of `ada`.
    pub const ADA: Self = Credentials::token("ada's token", demo::ADA_TOKEN);
    /// The token of `eve`.
    pub const EVE: Self = Credentials::token("eve's token", demo::EVE_TOKEN);
    /// A token that has expired.
    pub const EXPIRED: Self = Credentials::token("an expired token", demo::EXPIRED_TOKEN);
    /// A token that was never issued.
    pub const UNKNOWN: Self = Credentials::token("an unknown token", "let-me-in");
    /// The API key of the partner `acme`.
    pub const ACME: Self =
        Credentials { kind: "acme's key", token: None, key: Some(demo::ACME_KEY) };
    /// An API key that was never issued.
    pub const UNKNOWN_KEY: Self =
        Credentials { kind: "an unknown key", token: None, key: Some("let-me-in") };
    /// Both a token and an API key.
    pub const TWO: Self = Credentials { kind: "a token and a key", ..Self::ADA.and_acme() };

    const fn token(kind: &'static str, token: &'static str) -> Self {
        Credentials { kind, token: Some(token), key: None }
    }

    const fn and_acme(self) -> Self {
        Credentials { key: Some(demo::ACME_KEY), ..self }
    }

    /// Makes a request with these credentials.
    ///
    /// # Errors
    /// When a token or a key isn't a valid header value.
    #[allow(clippy::result_large_err, reason = "calls return this type")]
    pub fn request<M>(self, message: M) -> Result<Request<M>, Status> {
        let mut request = Request::new(message);
        if let Some(token) = self.token {
            request.metadata_mut().insert("authorization", header(&format!("Bearer {token}"))?);
        }
        if let Some(key) = self.key {
            request.metadata_mut().insert("x-api-key", header(key)?);
        }
        Ok(request)
    }
}

#[allow(clippy::result_large_err, reason = "calls return this type")]
fn header(value: &str) -> Result<AsciiMetadataValue, Status> {
    value
        .parse()
        .map_err(|_| Status::invalid_argument("the credentials aren't a valid header value"))
}

/// Formats the outcome of a call: its answer, or the code and the machine-readable reason of its error.
pub fn outcome(result: Result<String, Status>) -> String {
    match result {
        Ok(answer) => answer,
        Err(status) => {
            let details = status.get_error_details();
            let reason = details.error_info().map_or("without a reason", |info| &info.reason);
            format!("{:?} {reason}", status.code())
        }
    }
}
