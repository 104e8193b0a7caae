//! Calls over loopback to running servers: every guard has a call that it refuses and one that it
//! lets in.

#[macro_use]
mod support;

mod faults;
mod front_door;
mod headers;
mod http1;
mod kinds;
mod language;
mod refusals;
