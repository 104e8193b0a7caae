//! A gRPC server on loopback.

use std::net::SocketAddr;

use tokio::{net::TcpListener, task::JoinHandle};
use tonic::transport::{Channel, Endpoint, server::TcpIncoming};

use crate::LIMIT;

/// A server on a loopback port. It stops when dropped.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Running {
    /// Serves `router` on a port that the system picks. It accepts connections as soon as this returns.
    ///
    /// # Panics
    /// When loopback has no free port.
    #[allow(clippy::expect_used, reason = "a test fixture")]
    pub async fn start(router: tonic::transport::server::Router) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
        let addr = listener.local_addr().expect("a bound listener has an address");
        // `Server::serve` sets this too. Without it the last packet of a response waits for an acknowledgement.
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let task = tokio::spawn(async move {
            router
                .serve_with_incoming(incoming)
                .await
                .expect("the server runs until it is dropped");
        });
        Running { addr, task }
    }

    /// The address that the server listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The endpoint of the server.
    ///
    /// # Panics
    /// Never: an address makes a URI.
    #[allow(clippy::expect_used, reason = "a test fixture")]
    pub fn endpoint(&self) -> Endpoint {
        Endpoint::from_shared(format!("http://{}", self.addr)).expect("an address makes a URI")
    }

    /// A connection to the server.
    ///
    /// # Panics
    /// When it can't be made within [`LIMIT`].
    #[allow(clippy::expect_used, reason = "a test fixture")]
    pub async fn channel(&self) -> Channel {
        self.endpoint().connect_timeout(LIMIT).connect().await.expect("the server accepts")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}
