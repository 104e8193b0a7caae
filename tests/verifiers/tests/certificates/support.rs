//! Certificates made at run time, servers that request them and clients that present them.

mod ca;
mod client;
mod server;
mod service;

pub(crate) use ca::{Ca, Identity, client, dns, uri};
pub(crate) use client::{Client, HandshakeKind};
pub(crate) use server::{Checks, Server};
pub(crate) use service::{ByName, PROVIDERS, Service};
