#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

//! placeholder

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod authenticate;
mod challenge;
mod check;
mod error;
mod guard;
mod head;
mod identity;
pub mod in_process;
mod leaf;
mod method_door;
mod plan;
mod policy;
mod proof;
mod refusal;
mod requirement;
#[cfg(feature = "server")]
mod routes;
pub mod scheme;
mod table;
mod verdict;

pub use tonic_guard_macros::{Authenticate, anonymous, authenticated};

#[cfg(feature = "server")]
#[cfg_attr(docsrs, doc(cfg(feature = "server")))]
pub use crate::routes::GuardedRoutes;
pub use crate::{
    authenticate::{Authenticate, BoxAuthenticator, DEFAULT_DEADLINE},
    challenge::Challenge,
    error::AuthError,
    guard::{Guard, Guarded, GuardedBody, guard, guard_arc, policy_of},
    head::{CallHead, RpcName},
    identity::FromIdentity,
    policy::{Access, Checks, Combinator, MethodPolicy, PolicyTable, ServicePolicy},
    requirement::{HasRoles, HasScopes},
    scheme::Scheme,
    verdict::IntoVerdict,
};
