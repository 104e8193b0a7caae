//! Classifies the response to a call with credentials: is another token worth a retry?

use std::time::Duration;

use base64::{
    Engine, alphabet,
    engine::{
        DecodePaddingMode,
        general_purpose::{GeneralPurpose, GeneralPurposeConfig},
    },
};
use http::{HeaderMap, HeaderName, Response, Uri};
use http_body::Body;
use tonic::{Code, Status};
use tonic_types::{ErrorDetail, ErrorInfo, StatusExt};

use crate::reason::Reason;

const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const DETAILS: HeaderName = HeaderName::from_static("grpc-status-details-bin");
const PUSHBACK: HeaderName = HeaderName::from_static("grpc-retry-pushback-ms");

/// gRPC allows base64 with and without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reasons for which a retry with a new token fails again: the server found no credentials where it expects
/// them, or can't parse them.
const NOT_RETRYABLE: [Reason; 4] =
    [Reason::Missing, Reason::Duplicate, Reason::Malformed, Reason::Unsupported];

/// The meaning of a response for the credential of the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Classification {
    /// The response isn't a trailers-only UNAUTHENTICATED.
    Other,
    /// UNAUTHENTICATED, but a new token doesn't help: the credentials of another call were rejected, or the
    /// reason isn't the token.
    NotRetryable,
    /// UNAUTHENTICATED before any other response. Another credential may be accepted.
    CredentialRejected {
        /// The rejection names the method of the call, which means that its handler didn't run.
        names_call: bool,
        pushback: Pushback,
    },
}

/// The longest pushback that a call waits for. Without it, a server could delay a call without a deadline
/// for an unlimited time.
const MAX_PUSHBACK: Duration = Duration::from_secs(60);

/// When the server allows a retry (gRFC A6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushback {
    After(Duration),
    Never,
}

/// Returns true for UNAUTHENTICATED in trailers-only form: the status is in the head, and no body follows.
pub(super) fn is_unauthenticated<B: Body>(response: &Response<B>) -> bool {
    single_value(response.headers(), &GRPC_STATUS) == Some(b"16") && response.body().is_end_stream()
}

/// Classifies the response to the call of `uri`.
pub(super) fn classify<B: Body>(response: &Response<B>, uri: &Uri) -> Classification {
    if !is_unauthenticated(response) {
        return Classification::Other;
    }
    let headers = response.headers();
    let Some(infos) = error_infos(headers) else {
        // The rejection may be about another call.
        return Classification::NotRetryable;
    };
    let mut names_call = false;
    for info in &infos {
        match compare_method(info, uri) {
            MethodMatch::OtherCall => return Classification::NotRetryable,
            MethodMatch::ThisCall => names_call = true,
            MethodMatch::Unnamed => {}
        }
        if NOT_RETRYABLE.iter().any(|reason| reason.name("") == info.reason) {
            return Classification::NotRetryable;
        }
    }
    Classification::CredentialRejected { names_call, pushback: pushback(headers) }
}

/// Returns the status of a [`Classification::CredentialRejected`], for the error that the caller gets.
///
/// Call it only after the classification, which has decoded the details: tonic panics on details that it can't
/// decode.
pub(super) fn rejection_status(headers: &HeaderMap) -> Status {
    Status::from_header_map(headers).unwrap_or_else(|| Status::unauthenticated(""))
}

/// Which call an `ErrorInfo` names.
enum MethodMatch {
    ThisCall,
    OtherCall,
    /// No method, or a part of the name of this one.
    Unnamed,
}

/// Compares the method that `info` names with that of `uri`.
///
/// tonic-guard sends service and method separately. Google's services send the full name of the method, and
/// a host name as the service.
fn compare_method(info: &ErrorInfo, uri: &Uri) -> MethodMatch {
    let mut segments = uri.path().rsplit('/');
    let (Some(method), Some(service)) = (segments.next(), segments.next()) else {
        return MethodMatch::OtherCall;
    };
    let named_service = info.metadata.get("service").map(String::as_str);
    let named_method = info.metadata.get("method").map(String::as_str);
    if let Some(full) = named_method.and_then(|named| named.strip_suffix(method))
        && matches!(full.strip_suffix(['.', '/']), Some(named) if named.trim_start_matches('/') == service)
    {
        return MethodMatch::ThisCall;
    }
    let differs = |named: Option<&str>, own: &str| named.is_some_and(|named| named != own);
    match (named_service, named_method) {
        (None, None) => MethodMatch::Unnamed,
        _ if differs(named_service, service) || differs(named_method, method) => {
            MethodMatch::OtherCall
        }
        (Some(_), Some(_)) => MethodMatch::ThisCall,
        _ => MethodMatch::Unnamed,
    }
}

/// Returns every `ErrorInfo` of the details; `None` if the details can't be decoded.
fn error_infos(headers: &HeaderMap) -> Option<Vec<ErrorInfo>> {
    let status = Status::with_details(Code::Unauthenticated, "", details(headers)?.into());
    let details = status.check_error_details_vec().ok()?;
    Some(
        details
            .into_iter()
            .filter_map(|detail| match detail {
                ErrorDetail::ErrorInfo(info) => Some(info),
                _ => None,
            })
            .collect(),
    )
}

/// Returns the bytes of the details, empty if there are none; `None` if they can't be decoded.
fn details(headers: &HeaderMap) -> Option<Vec<u8>> {
    if !headers.contains_key(&DETAILS) {
        return Some(Vec::new());
    }
    BASE64.decode(single_value(headers, &DETAILS)?).ok()
}

/// Parses the pushback: a signed 32-bit number of milliseconds without leading zeros.
///
/// A negative, malformed or too large number means `Never`.
fn pushback(headers: &HeaderMap) -> Pushback {
    if !headers.contains_key(&PUSHBACK) {
        return Pushback::After(Duration::ZERO);
    }
    let text = single_value(headers, &PUSHBACK).and_then(|value| std::str::from_utf8(value).ok());
    let digits = text.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let number = digits.filter(|digits| *digits == "0" || !digits.starts_with('0'));
    let millis = number.and_then(|number| number.parse::<i32>().ok()?.try_into().ok());
    match millis.map(Duration::from_millis) {
        Some(delay) if delay <= MAX_PUSHBACK => Pushback::After(delay),
        _ => Pushback::Never,
    }
}

/// Returns the value of a header; `None` if it is absent or has several values.
fn single_value<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.as_bytes())
}

#[cfg(test)]
mod tests;
