//! What an answer says of the credential that the call carried.

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

/// gRPC sends base64 with padding or without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reasons that a new token of the same kind doesn't cure: the server didn't find the credential
/// where it looks for one, or can't read one of its form.
const INCURABLE: [Reason; 4] =
    [Reason::Missing, Reason::Duplicate, Reason::Malformed, Reason::Unsupported];

/// What an answer means for the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The call goes on, or has ended for a reason of its own.
    Other,
    /// UNAUTHENTICATED, but not of this credential: a handler passes on what another server told it,
    /// or what is wrong isn't the token.
    NotCurable,
    /// UNAUTHENTICATED before anything was answered; another credential may do better.
    Refused {
        /// The refusal names this call, so its handler wasn't reached.
        named: bool,
        pushback: Pushback,
    },
}

/// The longest pause that a call waits for. A server that asks for more doesn't mean the call that is
/// waiting, and one without a deadline would wait for as long as a server likes.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// When the server wants to see the call again (gRPC's A6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pushback {
    After(Duration),
    Never,
}

/// Whether an answer is UNAUTHENTICATED and nothing else. It is trailers-only: the status is in the head,
/// and nothing follows the head.
pub(super) fn is_unauthenticated<B: Body>(response: &Response<B>) -> bool {
    single(response.headers(), &GRPC_STATUS) == Some(b"16") && response.body().is_end_stream()
}

/// Reads the head of an answer to the call of `uri`.
pub(super) fn read<B: Body>(response: &Response<B>, uri: &Uri) -> Answer {
    if !is_unauthenticated(response) {
        return Answer::Other;
    }
    let headers = response.headers();
    let Some(infos) = error_infos(headers) else {
        // Whose refusal this is can't be read.
        return Answer::NotCurable;
    };
    let mut named = false;
    for info in &infos {
        match names(info, uri) {
            Named::Another => return Answer::NotCurable,
            Named::This => named = true,
            Named::Nothing => {}
        }
        if INCURABLE.iter().any(|reason| reason.name("") == info.reason) {
            return Answer::NotCurable;
        }
    }
    Answer::Refused { named, pushback: pushback(headers) }
}

/// A refusal as a status, for the error that goes to the caller. Its details can be read, or it would be
/// no [`Answer::Refused`]; tonic panics on others.
pub(super) fn status(refusal: &HeaderMap) -> Status {
    Status::from_header_map(refusal).unwrap_or_else(|| Status::unauthenticated(""))
}

enum Named {
    This,
    Another,
    Nothing,
}

/// Whether `info` names the call of `uri`. tonic-guard writes service and method apart; Google's
/// services write the method with its service, and a host as the service.
fn names(info: &ErrorInfo, uri: &Uri) -> Named {
    let mut segments = uri.path().rsplit('/');
    let (Some(method), Some(service)) = (segments.next(), segments.next()) else {
        return Named::Another;
    };
    let named_service = info.metadata.get("service").map(String::as_str);
    let named_method = info.metadata.get("method").map(String::as_str);
    if let Some(full) = named_method.and_then(|named| named.strip_suffix(method))
        && matches!(full.strip_suffix(['.', '/']), Some(named) if named.trim_start_matches('/') == service)
    {
        return Named::This;
    }
    let differs = |named: Option<&str>, own: &str| named.is_some_and(|named| named != own);
    match (named_service, named_method) {
        (None, None) => Named::Nothing,
        _ if differs(named_service, service) || differs(named_method, method) => Named::Another,
        (Some(_), Some(_)) => Named::This,
        _ => Named::Nothing,
    }
}

/// All that are in the details; `None` when the details can't be read.
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

/// The details' bytes, none if there are no details; `None` when they can't be read.
fn details(headers: &HeaderMap) -> Option<Vec<u8>> {
    if !headers.contains_key(&DETAILS) {
        return Some(Vec::new());
    }
    BASE64.decode(single(headers, &DETAILS)?).ok()
}

/// A signed 32-bit number without unnecessary zeros. What is negative, can't be read, or is longer than a
/// call waits says never.
fn pushback(headers: &HeaderMap) -> Pushback {
    if !headers.contains_key(&PUSHBACK) {
        return Pushback::After(Duration::ZERO);
    }
    let text = single(headers, &PUSHBACK).and_then(|value| std::str::from_utf8(value).ok());
    let digits = text.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let number = digits.filter(|digits| *digits == "0" || !digits.starts_with('0'));
    let millis = number.and_then(|number| number.parse::<i32>().ok()?.try_into().ok());
    match millis.map(Duration::from_millis) {
        Some(pause) if pause <= LONGEST_PAUSE => Pushback::After(pause),
        _ => Pushback::Never,
    }
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.as_bytes())
}

#[cfg(test)]
mod tests;
