//! The metadata of a request, and what a rejection holds.

use std::collections::HashMap;

use tonic::{Request, Status, metadata::MetadataValue};
use tonic_types::StatusExt;

/// Makes a request with these headers as its metadata, in this order.
///
/// # Panics
/// When a name or a value is no valid header.
#[allow(clippy::expect_used, reason = "a test fixture")]
pub fn request<M>(message: M, headers: &[(&str, &str)]) -> Request<M> {
    let mut request = Request::new(message);
    for (name, value) in headers {
        let name = tonic::metadata::AsciiMetadataKey::from_bytes(name.as_bytes())
            .expect("a header's name");
        let value = MetadataValue::try_from(*value).expect("a header's value");
        request.metadata_mut().append(name, value);
    }
    request
}

/// The `ErrorInfo` of a rejection: its reason, domain and metadata.
pub fn error_info(status: &Status) -> Option<(String, String, HashMap<String, String>)> {
    let info = status.get_error_details().error_info()?.clone();
    Some((info.reason, info.domain, info.metadata))
}

/// The `ErrorInfo` reason of a rejection, empty without one.
pub fn reason(status: &Status) -> String {
    error_info(status).map(|(reason, ..)| reason).unwrap_or_default()
}

/// The code and the reason of a rejection, as in `Unauthenticated CREDENTIALS_INVALID`.
pub fn code_and_reason(status: &Status) -> String {
    format!("{:?} {}", status.code(), reason(status))
}

/// The challenges of a rejection.
pub fn challenges(status: &Status) -> Vec<String> {
    let values = status.metadata().get_all("www-authenticate");
    values.iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}
