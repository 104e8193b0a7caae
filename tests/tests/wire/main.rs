//! Calls over loopback to running servers: every guard has a call that it refuses and one that it
//! lets in.

mod elsewhere;
mod refusals;
