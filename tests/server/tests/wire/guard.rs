//! The guard: the requests that reach the server behind it.

mod mounting;
mod paths;
mod handoff;
mod sensitive_headers;
mod trailers;
