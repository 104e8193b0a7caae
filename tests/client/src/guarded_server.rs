//! A guarded server, and clients of servers on loopback.

use std::sync::Arc;

use tonic::transport::{Channel, Endpoint, Server};
use tonic_guard::{
    client::{CallCredentials, CallCredentialsService},
    guard,
};
use tonic_guard_suite_support::{
    Running,
    pb::{kinds_client::KindsClient, kinds_server::KindsServer},
};

use crate::{
    attempts::{Attempts, RecordAttempts},
    echo::Echo,
    issuer::Issuer,
    source::Source,
};

/// A generated client whose calls carry credentials.
pub type Client = KindsClient<CallCredentialsService<Channel>>;

/// A running guarded server, the issuer of its tokens, and the attempts that it received.
#[derive(Debug)]
pub struct Guarded {
    /// The issuer.
    pub issuer: Arc<Issuer>,
    /// The attempts.
    pub attempts: Attempts,
    running: Running,
}

impl Guarded {
    /// Starts the server.
    pub async fn start() -> Self {
        let (issuer, attempts) = (Arc::new(Issuer::default()), Attempts::default());
        let service = guard(Echo::new(&issuer), KindsServer::from_arc);
        let service = RecordAttempts { inner: service, attempts: attempts.clone() };
        let running = Running::start(Server::builder().add_service(service)).await;
        Guarded { issuer, attempts, running }
    }

    /// The endpoint of the server.
    pub fn endpoint(&self) -> Endpoint {
        self.running.endpoint()
    }

    /// Creates a client of this server.
    pub fn client(&self, credentials: &CallCredentials) -> Client {
        client(self.endpoint(), credentials)
    }

    /// Creates a source of valid tokens.
    pub fn source(&self) -> Source {
        Source::new(&self.issuer)
    }

    /// The running server.
    pub fn running(&self) -> &Running {
        &self.running
    }
}

/// Creates a client of a server on loopback.
///
/// # Panics
/// If the endpoint isn't on loopback.
#[allow(clippy::expect_used, reason = "a test fixture")]
pub fn client(endpoint: Endpoint, credentials: &CallCredentials) -> Client {
    KindsClient::new(credentials.loopback_channel(endpoint).expect("it is on loopback"))
}
