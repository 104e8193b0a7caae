//! The guard: the requests that reach the server behind it.

mod handoff;
mod mounting;
mod paths;
mod readiness;
mod sensitive_headers;
mod trailers;
