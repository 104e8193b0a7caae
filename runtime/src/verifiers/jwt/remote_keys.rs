//! Keys that an issuer publishes: fetched, kept fresh, and trusted for a limited time.

mod builder;
mod fetch_budget;
mod fetch_schedule;
mod fetched_keys;
mod key_bearer;
mod key_fetcher;
mod key_location;
mod source;

pub(super) use self::fetched_keys::Trusted;
pub use self::{builder::RemoteKeysBuilder, source::RemoteKeys};
