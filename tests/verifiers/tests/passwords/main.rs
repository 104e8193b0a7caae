//! Passwords on the wire.

#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "clippy knows tests by their attribute, and not the functions beside them"
)]

mod cache;
mod concurrency;
mod properties;
mod store;
mod verification;

use std::time::{Duration, Instant};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use tonic::{
    Request, Response, Status,
    transport::{Channel, Server},
};
use tonic_guard::{
    Authenticate, authenticated, guard,
    passwords::{Parameters, PasswordHash, Passwords},
    scheme::Basic,
};
use tonic_guard_suite_support::{LIMIT, Log, code_and_reason, request};
use tonic_guard_verifier_tests::{
    Named, Serving,
    pb::{
        Name, Void,
        accounts_client::AccountsClient,
        accounts_server::{Accounts, AccountsServer},
    },
};

/// The owner of a password.
#[derive(Clone, Debug, Deserialize)]
struct User(String);

impl Named for User {
    fn name(&self) -> String {
        self.0.clone()
    }
}

/// A service whose callers present a password, which `A` checks.
#[derive(Authenticate)]
struct ByPassword<A> {
    #[verifies("basic")]
    users: A,
}

#[authenticated(scheme = "basic")]
#[tonic::async_trait]
impl<A> Accounts for ByPassword<A>
where
    A: Authenticate<Basic, Identity: Named> + 'static,
{
    async fn whoami(
        &self,
        _: Request<Void>,
        #[identity] caller: A::Identity,
    ) -> Result<Response<Name>, Status> {
        Ok(Response::new(Name { name: caller.name() }))
    }

    async fn close(&self, _: Request<Void>) -> Result<Response<Name>, Status> {
        Err(Status::unimplemented("not called"))
    }
}

async fn serve<A>(users: A) -> Serving
where
    A: Authenticate<Basic, Identity: Named> + 'static,
{
    let guarded = guard(ByPassword { users }, AccountsServer::from_arc);
    Serving::start(Server::builder().add_service(guarded)).await
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// The outcome of `Whoami` with this header.
async fn with(serving: &Serving, header: &str) -> Result<String, String> {
    serving.whoami(&[("authorization", header)]).await.map_err(|status| code_and_reason(&status))
}

/// The outcome of `Whoami` with this password.
async fn call(serving: &Serving, user: &str, password: &str) -> Result<String, String> {
    with(serving, &basic(user, password)).await
}

/// As [`call`], on this connection.
async fn call_on(channel: Channel, user: &str, password: &str) -> Result<String, Status> {
    let request = request(Void {}, &[("authorization", &basic(user, password))]);
    Ok(AccountsClient::new(channel).whoami(request).await?.into_inner().name)
}

fn rejected(reason: &str) -> Result<String, String> {
    Err(format!("Unauthenticated {reason}"))
}

/// The Argon2 parameters of one test. Each test uses another memory size, by which it finds its
/// work in the common log.
struct Cost {
    parameters: Parameters,
    memory: u32,
    mark: usize,
}

impl Cost {
    fn new(memory: u32, passes: u32) -> Self {
        let parameters = Parameters::new(memory, passes, 1).unwrap();
        Cost { parameters, memory, mark: Log::of_process().mark() }
    }

    fn hash(&self, password: &str) -> PasswordHash {
        let hash = self.parameters.hash(password).unwrap();
        hash.phc().parse().unwrap()
    }

    /// The user `ada` with the password `pa:ss`. Work is counted from now on.
    fn ada(&mut self) -> Passwords<User> {
        let users = Passwords::new([("ada", self.hash("pa:ss"), User("ada".into()))]).unwrap();
        self.begin();
        users
    }

    /// Starts the count.
    fn begin(&mut self) {
        self.mark = Log::of_process().mark();
    }

    /// The number of Argon2 runs begun and ended, and the maximum that ran at once.
    fn work(&self) -> Work {
        let span = format!("argon2{{memory_kib={} ", self.memory);
        let mut work = Work::default();
        for line in Log::of_process().since(self.mark).lines().filter(|line| line.contains(&span)) {
            work.parameters = line.split(['{', '}']).nth(1).unwrap_or_default().into();
            match () {
                _ if line.ends_with("enter") => work.begun += 1,
                _ if line.ends_with("exit") => work.ended += 1,
                _ => panic!("{line}"),
            }
            work.max_running = work.max_running.max(work.begun - work.ended);
        }
        work
    }

    /// Waits until no run is in progress.
    async fn rest(&self) -> Work {
        let deadline = Instant::now() + LIMIT;
        loop {
            let work = self.work();
            if work.begun == work.ended {
                return work;
            }
            assert!(Instant::now() < deadline, "{work:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits until `count` runs have begun.
    async fn begun(&self, count: usize) {
        let deadline = Instant::now() + LIMIT;
        while self.work().begun < count {
            assert!(Instant::now() < deadline, "{:?}", self.work());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Work {
    begun: usize,
    ended: usize,
    max_running: usize,
    parameters: String,
}
