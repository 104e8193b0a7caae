//! The channels that carry credentials, and those that never do.

use std::sync::{Arc, Mutex};

use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use tokio::{io::AsyncReadExt, net::TcpListener};
use tonic::{
    Code,
    transport::{Certificate, ClientTlsConfig, Endpoint, Identity, Server, ServerTlsConfig},
};
use tonic_guard::{
    client::{CallCredentials, CallErrorKind, Token},
    guard,
};
use tonic_guard_client_tests::{Echo, Guarded, Issuer};
use tonic_guard_suite_support::{
    Running,
    pb::{kinds_client::KindsClient, kinds_server::KindsServer},
    within,
};

use crate::{kind, note};

#[tokio::test]
async fn plaintext_endpoint_is_rejected() {
    let credentials = CallCredentials::bearer(Token::new("s3cret"));
    for uri in ["http://orders.example", "http://127.0.0.1:1", "http://localhost:1", "unix:/tmp/x"]
    {
        let error =
            credentials.channel(Endpoint::from_shared(uri.to_owned()).unwrap()).unwrap_err();
        assert!(error.to_string().contains("it isn't https"), "{error}");
        let on_loopback = uri.contains("127.0.0.1") || uri.contains("localhost");
        assert_eq!(error.to_string().contains("`loopback_channel`"), on_loopback, "{error}");
    }
    credentials.channel(Endpoint::from_static("https://orders.example")).unwrap();
}

#[tokio::test]
async fn one_plaintext_endpoint_among_others_is_rejected() {
    let credentials = CallCredentials::bearer(Token::new("s3cret"));
    let secure = || Endpoint::from_static("https://orders.example");
    let plain = Endpoint::from_static("http://orders.example");
    credentials.balanced_channel([secure(), plain, secure()]).unwrap_err();
    let error = credentials.balanced_channel([]).unwrap_err();
    assert_eq!(error.to_string(), "the list of endpoints is empty");
    // More than tonic's list of endpoints holds.
    credentials.balanced_channel(vec![secure(); 2000]).unwrap();
}

#[tokio::test]
async fn loopback_channel_accepts_only_loopback_addresses() {
    let credentials = CallCredentials::bearer(Token::new("s3cret"));
    for uri in ["http://orders.example", "http://10.0.0.1", "https://localhost", "unix:/tmp/x"] {
        let error = credentials
            .loopback_channel(Endpoint::from_shared(uri.to_owned()).unwrap())
            .unwrap_err();
        assert!(error.to_string().contains("loopback"), "{error}");
    }
}

/// Accepts connections and keeps the bytes that they send.
async fn listener() -> (u16, Arc<Mutex<Vec<u8>>>, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let received = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&received);
    let task = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let sink = Arc::clone(&sink);
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut buffer).await {
                    sink.lock().unwrap().extend_from_slice(&buffer[..read]);
                }
            });
        }
    });
    (port, received, task)
}

#[tokio::test]
async fn https_endpoint_without_a_tls_config_sends_nothing() {
    let (port, received, _task) = listener().await;
    let credentials = CallCredentials::bearer(Token::new("s3cret"));
    let endpoint = Endpoint::from_shared(format!("https://127.0.0.1:{port}")).unwrap();
    let mut client = KindsClient::new(credentials.channel(endpoint).unwrap());
    let status = within("the call", client.unary(note("a"))).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status:?}");
    assert_eq!(*received.lock().unwrap(), b"");
}

/// A guarded server behind TLS, and the authority that its clients trust.
async fn over_tls() -> (Running, Arc<Issuer>, String) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let leaf = CertificateParams::new(names).unwrap().signed_by(&key, &*authority).unwrap();
    let identity = Identity::from_pem(leaf.pem(), key.serialize_pem());
    let issuer = Arc::new(Issuer::default());
    let service = guard(Echo::new(&issuer), KindsServer::from_arc);
    let server = Server::builder().tls_config(ServerTlsConfig::new().identity(identity)).unwrap();
    let mut server = server;
    (Running::start(server.add_service(service)).await, issuer, authority.pem())
}

#[tokio::test]
async fn call_over_tls_is_admitted() {
    let (running, issuer, authority) = over_tls().await;
    let credentials = CallCredentials::bearer(Token::new(issuer.issue()));
    let trusting = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority));
    let endpoint = || {
        let uri = format!("https://{}", running.addr());
        Endpoint::from_shared(uri).unwrap().tls_config(trusting.clone()).unwrap()
    };
    let channels = [
        credentials.channel(endpoint()).unwrap(),
        credentials.balanced_channel([endpoint(), endpoint()]).unwrap(),
    ];
    for channel in channels {
        let answer = within("the call", KindsClient::new(channel).unary(note("hi"))).await;
        assert_eq!(answer.unwrap().into_inner().text, "hi");
    }
}

#[tokio::test]
async fn untrusted_server_receives_no_credentials() {
    let (running, issuer, _) = over_tls().await;
    let (other, _, other_authority) = over_tls().await;
    drop(other);
    let credentials = CallCredentials::bearer(Token::new(issuer.issue()));
    let trusting = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(other_authority));
    let endpoint = Endpoint::from_shared(format!("https://{}", running.addr())).unwrap();
    let channel = credentials.channel(endpoint.tls_config(trusting).unwrap()).unwrap();
    let status = within("the call", KindsClient::new(channel).unary(note("hi"))).await.unwrap_err();
    assert_eq!((status.code(), kind(&status)), (Code::Unavailable, None));
}

#[tokio::test]
async fn plaintext_server_receives_no_credentials() {
    let (port, received, _task) = listener().await;
    let credentials = CallCredentials::bearer(Token::new("s3cret"));
    let endpoint = Endpoint::from_shared(format!("https://localhost:{port}")).unwrap();
    let endpoint = endpoint.tls_config(ClientTlsConfig::new()).unwrap();
    let mut client = KindsClient::new(credentials.channel(endpoint).unwrap());
    let call = tokio::time::timeout(std::time::Duration::from_millis(500), client.unary(note("a")));
    assert!(!matches!(call.await, Ok(Ok(_))));
    let received = received.lock().unwrap();
    // A TLS handshake record, and no readable text.
    assert_eq!(received.first(), Some(&0x16));
    assert!(!received.windows(6).any(|bytes| bytes == b"s3cret"));
}

#[tokio::test]
async fn dangerous_layer_sends_credentials_in_plaintext() {
    use tower_layer::Layer;
    let server = Guarded::start().await;
    let credentials = CallCredentials::bearer(server.source());
    let channel = credentials.dangerously_layer().layer(server.endpoint().connect_lazy());
    KindsClient::new(channel).unary(note("a")).await.unwrap();
    assert_eq!(server.attempts.tokens(), ["Bearer token-1"]);
    let wrong = CallCredentials::bearer(Token::new("wrong"));
    let channel = wrong.dangerously_layer().layer(server.endpoint().connect_lazy());
    let status = KindsClient::new(channel).unary(note("a")).await.unwrap_err();
    assert_eq!(kind(&status), Some(CallErrorKind::NoNewerToken));
}
