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
use tonic_guard_tests::Running;
use tonic_guard_verifier_tests::pb::mesh_server::MeshServer;

use super::{Ca, Service};

/// Which doors a call goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doors {
    /// The front door, and then the method's own.
    Both,
    /// The method's own alone: nothing is mounted.
    Own,
}

/// A server with TLS.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    ran: Arc<AtomicUsize>,
    _running: Either,
}

enum Either {
    Tonic { _running: Running },
    Ours { task: JoinHandle<()> },
}

impl Server {
    /// tonic's own TLS: it asks for certificates of `ca`, and lets clients without connect where
    /// `optional` says so.
    pub(crate) async fn start<A>(doors: Doors, ca: &Ca, optional: bool, certificates: A) -> Server
    where
        A: Authenticate<ClientCertificate, Identity = String> + 'static,
    {
        let (certificate, key) = ca.server().pem();
        let tls = ServerTlsConfig::new()
            .identity(tonic::transport::Identity::from_pem(certificate, key))
            .client_ca_root(Certificate::from_pem(ca.pem()))
            .client_auth_optional(optional);
        let builder = Builder::builder().tls_config(tls).unwrap();
        let (router, ran) = mounted(doors, builder, certificates);
        let running = Running::start(router).await;
        Server { addr: running.addr(), ran, _running: Either::Tonic { _running: running } }
    }

    /// A TLS of the user's own, which takes any certificate.
    pub(crate) async fn credulous<A>(ca: &Ca, certificates: A) -> Server
    where
        A: Authenticate<ClientCertificate, Identity = String> + 'static,
    {
        let identity = ca.server();
        let config = ServerConfig::builder_with_provider(aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(Arc::new(Credulous))
            .with_single_cert(identity.chain.clone(), identity.key())
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let incoming = Incoming { listener, acceptor: Arc::new(config).into(), accepting: None };
        let (router, ran) = mounted(Doors::Both, Builder::builder(), certificates);
        let task = tokio::spawn(async move { router.serve_with_incoming(incoming).await.unwrap() });
        Server { addr, ran, _running: Either::Ours { task } }
    }

    /// How many times a handler ran.
    pub(crate) fn ran(&self) -> usize {
        self.ran.load(Ordering::Relaxed)
    }
}

impl Drop for Either {
    fn drop(&mut self) {
        if let Either::Ours { task } = self {
            task.abort();
        }
    }
}

fn mounted<A>(doors: Doors, mut builder: Builder, certificates: A) -> (Router, Arc<AtomicUsize>)
where
    A: Authenticate<ClientCertificate, Identity = String> + 'static,
{
    let service = Service::new(certificates);
    let ran = Arc::clone(&service.ran);
    let router = match doors {
        Doors::Both => builder.add_service(guard(service, MeshServer::from_arc)),
        Doors::Own => builder.add_service(MeshServer::new(service)),
    };
    (router, ran)
}

type Accepting = Pin<Box<dyn Future<Output = std::io::Result<TlsStream<TcpStream>>> + Send>>;

/// The connections of a listener, one handshake after the other.
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

/// Trusts everyone.
#[derive(Debug)]
struct Credulous;

impl ClientCertVerifier for Credulous {
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
