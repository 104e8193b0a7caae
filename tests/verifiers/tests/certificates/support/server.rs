use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        DigitallySignedStruct, DistinguishedName, Error, ServerConfig, SignatureScheme,
        client::danger::HandshakeSignatureValid,
        crypto::aws_lc_rs,
        pki_types::{CertificateDer, UnixTime},
        server::danger::{ClientCertVerified, ClientCertVerifier},
    },
    server::TlsStream,
};
use tokio_stream::Stream;
use tonic::transport::{
    Certificate, ServerTlsConfig,
    server::{Router, Server as Builder},
};
use tonic_guard::{Authenticate, guard, scheme::ClientCertificate};
use tonic_guard_suite_support::Running;
use tonic_guard_verifier_tests::pb::mesh_server::MeshServer;

use super::{Ca, Service};

/// The checks that a call passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checks {
    /// The guard and the handler check.
    Guard,
    /// The handler check alone: the service has no guard.
    HandlerCheck,
}

/// A server with TLS.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    ran: Arc<AtomicUsize>,
    _running: Either,
}

enum Either {
    Tonic { _running: Running },
    Custom { task: JoinHandle<()> },
}

impl Server {
    /// Starts a server with tonic's TLS, which requests certificates of `ca`. With `optional`,
    /// clients without one may connect.
    pub(crate) async fn start<A>(checks: Checks, ca: &Ca, optional: bool, certificates: A) -> Server
    where
        A: Authenticate<ClientCertificate, Identity = String> + 'static,
    {
        let (certificate, key) = ca.server().pem();
        let tls = ServerTlsConfig::new()
            .identity(tonic::transport::Identity::from_pem(certificate, key))
            .client_ca_root(Certificate::from_pem(ca.pem()))
            .client_auth_optional(optional);
        let builder = Builder::builder().tls_config(tls).unwrap();
        let (router, ran) = mounted(checks, builder, certificates);
        let running = Running::start(router).await;
        Server { addr: running.addr(), ran, _running: Either::Tonic { _running: running } }
    }

    /// Starts a server with a custom TLS that accepts any certificate.
    pub(crate) async fn lax<A>(ca: &Ca, certificates: A) -> Server
    where
        A: Authenticate<ClientCertificate, Identity = String> + 'static,
    {
        let identity = ca.server();
        let config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(Arc::new(AcceptsAll))
            .with_single_cert(identity.chain.clone(), identity.key())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let incoming = Incoming { listener, acceptor: Arc::new(config).into(), accepting: None };
        let (router, ran) = mounted(Checks::Guard, Builder::builder(), certificates);
        let task = tokio::spawn(async move { router.serve_with_incoming(incoming).await.unwrap() });
        Server { addr, ran, _running: Either::Custom { task } }
    }

    /// The number of handler runs.
    pub(crate) fn ran(&self) -> usize {
        self.ran.load(Ordering::Relaxed)
    }
}

impl Drop for Either {
    fn drop(&mut self) {
        if let Either::Custom { task } = self {
            task.abort();
        }
    }
}

fn mounted<A>(checks: Checks, mut builder: Builder, certificates: A) -> (Router, Arc<AtomicUsize>)
where
    A: Authenticate<ClientCertificate, Identity = String> + 'static,
{
    let service = Service::new(certificates);
    let ran = Arc::clone(&service.ran);
    let router = match checks {
        Checks::Guard => builder.add_service(guard(service, MeshServer::from_arc)),
        Checks::HandlerCheck => builder.add_service(MeshServer::new(service)),
    };
    (router, ran)
}

type Accepting = Pin<Box<dyn Future<Output = std::io::Result<TlsStream<TcpStream>>> + Send>>;

/// The connections of a listener, with one handshake after the other.
struct Incoming {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    accepting: Option<Accepting>,
}

impl Stream for Incoming {
    type Item = std::io::Result<TlsStream<TcpStream>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(accepting) = &mut self.accepting {
                let accepted = ready!(accepting.as_mut().poll(cx));
                self.accepting = None;
                if accepted.is_ok() {
                    return Poll::Ready(Some(accepted));
                }
            }
            let (stream, _) = ready!(self.listener.poll_accept(cx))?;
            self.accepting = Some(Box::pin(self.acceptor.accept(stream)));
        }
    }
}

/// Accepts every certificate.
#[derive(Debug)]
struct AcceptsAll;

impl ClientCertVerifier for AcceptsAll {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        aws_lc_rs::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
