//! API keys and static tokens on the wire.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy knows tests by their attribute, and not the functions beside them"
)]

mod file;
mod properties;
mod store;
mod tokens;
mod verification;

use aws_lc_rs::digest::{SHA256, digest};
use serde::Deserialize;
use tonic::{Request, Response, Status, transport::Server};
use tonic_guard::{
    Authenticate, HasScopes,
    api_keys::{GeneratedKey, KeyRecord},
    authenticated, guard,
    scheme::ApiKey,
};
use tonic_guard_suite_support::{code_and_reason, request};
use tonic_guard_verifier_tests::{
    Named, Serving,
    pb::{
        Name, Void,
        accounts_server::{Accounts, AccountsServer},
    },
};

/// The owner of a key.
#[derive(Clone, Debug, Deserialize)]
struct Partner {
    name: String,
    #[serde(default)]
    scopes: Vec<String>,
}

impl Partner {
    fn new(name: &str) -> Self {
        Partner { name: name.into(), scopes: Vec::new() }
    }
}

impl Named for Partner {
    fn name(&self) -> String {
        self.name.clone()
    }
}

impl HasScopes for Partner {
    fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }
}

/// A service whose callers present a key in `x-api-key`, which `A` checks.
#[derive(Authenticate)]
struct Keyed<A> {
    #[verifies("api-key")]
    keys: A,
}

#[authenticated(scheme = "api-key")]
#[tonic::async_trait]
impl<A> Accounts for Keyed<A>
where
    A: Authenticate<ApiKey, Identity: Named + HasScopes> + 'static,
{
    async fn whoami(
        &self,
        _: Request<Void>,
        #[identity] caller: A::Identity,
    ) -> Result<Response<Name>, Status> {
        Ok(Response::new(Name { name: caller.name() }))
    }

    #[authenticated(scheme = "api-key", scopes("accounts:close"))]
    async fn close(
        &self,
        _: Request<Void>,
        #[identity] caller: A::Identity,
    ) -> Result<Response<Name>, Status> {
        Ok(Response::new(Name { name: caller.name() }))
    }
}

async fn serve<A>(keys: A) -> Serving
where
    A: Authenticate<ApiKey, Identity: Named + HasScopes> + 'static,
{
    let guarded = guard(Keyed { keys }, AccountsServer::from_arc);
    Serving::start(Server::builder().add_service(guarded)).await
}

/// The outcome of `Whoami` with this key.
async fn call(serving: &Serving, key: &str) -> Result<String, String> {
    serving.whoami(&[("x-api-key", key)]).await.map_err(|status| code_and_reason(&status))
}

/// The outcome of `Close` with this key.
async fn close(serving: &Serving, key: &str) -> Result<String, String> {
    let answer = serving.client().close(request(Void {}, &[("x-api-key", key)])).await;
    answer.map(|answer| answer.into_inner().name).map_err(|status| code_and_reason(&status))
}

fn rejected(reason: &str) -> Result<String, String> {
    Err(format!("Unauthenticated {reason}"))
}

const SECRET: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg";

/// A well-formed key of these parts, made without the library.
fn forge(prefix: &str, id: &str, secret: &str) -> String {
    const DIGITS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let body = format!("{prefix}_{id}_{secret}");
    let digest = digest(&SHA256, body.as_bytes());
    let mut sum = u32::from_be_bytes(digest.as_ref()[..4].try_into().unwrap());
    let mut digits = Vec::new();
    for _ in 0..6 {
        digits.insert(0, DIGITS[sum as usize % 62]);
        sum /= 62;
    }
    body + std::str::from_utf8(&digits).unwrap()
}

fn new_key() -> (String, KeyRecord) {
    let new = GeneratedKey::new("acme_live").unwrap();
    (new.key().to_owned(), new.record().clone())
}
