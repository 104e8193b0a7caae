//! Helpers of the tests: an issuer and a token source that the test controls, a guarded server that records
//! every attempt, and a server with scripted responses.

mod attempts;
mod echo;
mod guarded_server;
mod issuer;
mod lock;
mod scripted_server;
mod source;

pub use crate::{
    attempts::Attempts,
    echo::{Echo, User},
    guarded_server::{Client, Guarded, client},
    issuer::Issuer,
    scripted_server::{Scripted, rejection, success},
    source::{Answer, Source},
};
