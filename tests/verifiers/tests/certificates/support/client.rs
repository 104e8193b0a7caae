use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
pub(crate) use tokio_rustls::rustls::HandshakeKind;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::aws_lc_rs,
        pki_types::ServerName,
        sign::{CertifiedKey, SingleCertAndKey},
    },
};
use tonic::{
    Status,
    transport::{Channel, Endpoint},
};
use tonic_guard_suite_support::{code_and_reason, request};
use tonic_guard_verifier_tests::pb::{Name, Void, mesh_client::MeshClient};
use tower_service::Service;

use super::{Ca, Identity, Server};

/// A client whose TLS sessions may be resumed.
pub(crate) struct Client {
    addr: SocketAddr,
    config: Arc<ClientConfig>,
}

/// A connection of a [`Client`].
pub(crate) struct Connection {
    pub(crate) channel: Channel,
    pub(crate) mesh: MeshClient<Channel>,
    /// Whether it began with a full handshake.
    pub(crate) kind: HandshakeKind,
}

impl Client {
    /// A client that trusts `ca` and presents `identity`, if any.
    pub(crate) fn new(server: &Server, ca: &Ca, identity: Option<&Identity>) -> Client {
        let mut roots = RootCertStore::empty();
        roots.add(ca.certificate()).unwrap();
        let builder = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match identity {
            Some(identity) => {
                // Unchecked, as a malicious client would.
                let key = aws_lc_rs::sign::any_supported_type(&identity.key()).unwrap();
                let shown = CertifiedKey::new(identity.chain.clone(), key);
                builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(shown)))
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Client { addr: server.addr, config: Arc::new(config) }
    }

    pub(crate) async fn stream(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.addr).await?;
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::clone(&self.config)).connect(name, stream).await
    }

    /// A new connection, or `None` if the server ends it in the handshake.
    pub(crate) async fn connect(&self) -> Option<Connection> {
        let stream = self.stream().await.ok()?;
        let kind = stream.get_ref().1.handshake_kind().unwrap();
        // With TLS 1.3 the client finishes its handshake before the server has checked the
        // certificate.
        let endpoint = Endpoint::from_static("http://localhost").timeout(Duration::from_secs(60));
        let channel = endpoint.connect_with_connector(Once(Mutex::new(Some(stream)))).await.ok()?;
        let mut mesh = MeshClient::new(channel.clone());
        mesh.open(Void {}).await.ok()?;
        Some(Connection { channel, mesh, kind })
    }

    /// Makes a call on a new connection with these headers. Returns the caller's name, the
    /// rejection's code and reason, or `no connection`.
    pub(crate) async fn call<C>(&self, call: C, headers: &[(&str, &str)]) -> String
    where
        C: AsyncFnOnce(
            &mut MeshClient<Channel>,
            tonic::Request<Void>,
        ) -> Result<tonic::Response<Name>, Status>,
    {
        match self.connect().await {
            Some(Connection { mut mesh, .. }) => {
                outcome(call(&mut mesh, request(Void {}, headers)).await)
            }
            None => "no connection".into(),
        }
    }

    /// As [`Client::call`], for the method `Certificate`.
    pub(crate) async fn certificate(&self) -> String {
        self.call(async |mesh, request| mesh.certificate(request).await, &[]).await
    }
}

impl Connection {
    /// The outcome of a call of `Certificate`.
    pub(crate) async fn certificate(&mut self) -> String {
        outcome(self.mesh.certificate(Void {}).await)
    }
}

fn outcome(answer: Result<tonic::Response<Name>, Status>) -> String {
    match answer {
        Ok(answer) => answer.into_inner().name,
        Err(status) => code_and_reason(&status),
    }
}

/// Returns one existing connection. A channel that lost it gets no other.
struct Once(Mutex<Option<TlsStream<TcpStream>>>);

impl Service<Uri> for Once {
    type Response = TokioIo<TlsStream<TcpStream>>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, std::io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), std::io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let stream = self.0.lock().unwrap().take();
        Box::pin(async { stream.map(TokioIo::new).ok_or(std::io::ErrorKind::NotConnected.into()) })
    }
}
