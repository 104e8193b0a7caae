//! Calls over loopback to running servers, with call credentials.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy knows tests by their attribute, and not the functions beside them"
)]

mod attach;
mod channel;
mod file;
mod oauth;
mod refresh;
mod replay;
mod retry;
mod retry_cases;

use std::error::Error;

use tonic::{Request, Status};
use tonic_guard::client::{CallError, CallErrorKind, CallOptions};
use tonic_guard_suite_support::pb::Note;

fn note(text: &str) -> Note {
    Note { text: text.into(), payload: Vec::new() }
}

fn with_options<M>(message: M, options: CallOptions) -> Request<M> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(options);
    request
}

/// All causes of a failed fetch. The status itself, which a handler may forward, has only a constant.
fn causes(status: &Status) -> String {
    assert_eq!(status.message(), "no token for the call");
    let mut text = String::new();
    let mut error: Option<&dyn Error> =
        CallError::of(status).and_then(CallError::token_error).map(|error| error as &dyn Error);
    while let Some(cause) = error {
        text += &format!("{cause}\n");
        error = cause.source();
    }
    text
}

/// The kind of a failed call; `None` if its status was passed on unchanged.
fn kind(status: &Status) -> Option<CallErrorKind> {
    CallError::of(status).map(CallError::kind)
}
