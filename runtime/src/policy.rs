//! Policies as data, and their rendering as text, Markdown and JSON.

mod method;
mod render;
mod service;
mod table;

pub(crate) use self::service::ServiceAccess;
pub use self::{
    method::{Access, Checks, Combinator, MethodPolicy},
    service::ServicePolicy,
    table::PolicyTable,
};
