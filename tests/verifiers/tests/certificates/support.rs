//! Certificates made as the tests run, servers that ask for them and clients that show them.

mod ca;
mod client;
mod server;
mod service;

pub(crate) use ca::{Ca, Identity, client, dns, uri};
pub(crate) use client::{Client, HandshakeKind};
pub(crate) use server::{Doors, Server};
pub(crate) use service::{ByName, PROVIDERS, Service};
