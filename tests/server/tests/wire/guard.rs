//! The front door: what reaches the server behind it, and what doesn't.

mod mounting;
mod paths;
mod handoff;
mod sensitive_headers;
mod trailers;
