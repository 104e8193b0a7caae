//! Keys that are fetched through a forward proxy.

use std::{
    net::SocketAddr,
    sync::{Mutex, PoisonError},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

use super::{tls::certified, *};

/// A forward proxy on loopback that tunnels every request to one address, whatever host it names. It
/// stops when dropped.
struct ForwardProxy {
    addr: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl ForwardProxy {
    /// Tunnels to `target`, or rejects every tunnel with the status 407.
    async fn start(target: Option<SocketAddr>) -> ForwardProxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&heads);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(tunnel(stream, target, Arc::clone(&seen)));
            }
        });
        ForwardProxy { addr, heads, task }
    }

    /// The heads of the requests so far.
    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for ForwardProxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn tunnel(
    mut client: TcpStream,
    target: Option<SocketAddr>,
    heads: Arc<Mutex<Vec<String>>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(client.read_u8().await?);
    }
    heads.lock().unwrap().push(String::from_utf8_lossy(&head).into_owned());
    let Some(target) = target else {
        return client.write_all(b"HTTP/1.1 407 Authenticate\r\ncontent-length: 0\r\n\r\n").await;
    };
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    let mut server = TcpStream::connect(target).await?;
    tokio::io::copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

/// A publisher over TLS, which has a certificate for `host`, and its authority in PEM.
async fn publisher_for(host: &str) -> (Publisher, String) {
    let (authority, tls): (String, TlsAcceptor) = certified(host);
    (Publisher::publish(Provider::start_tls(tls).await), authority)
}

fn address(publisher: &Publisher) -> SocketAddr {
    publisher.provider.url("").strip_prefix("https://").unwrap().parse().unwrap()
}

#[tokio::test]
async fn keys_are_fetched_through_the_proxy() {
    let (publisher, authority) = publisher_for("id.example").await;
    let proxy = ForwardProxy::start(Some(address(&publisher))).await;
    let url = format!("http://user:pa55@{}", proxy.addr);
    let http = HttpClient::builder().proxy(url).trust_only(authority).build().unwrap();
    let keys = RemoteKeys::jwks("https://id.example/keys").http_client(http).connect();
    let serving = publisher.serve(within("connecting", keys).await.unwrap()).await;
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
    let [head] = proxy.heads().try_into().unwrap();
    assert!(head.starts_with("CONNECT id.example:443 HTTP/1.1\r\n"), "{head}");
    let credentials = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, "user:pa55");
    let head = head.to_ascii_lowercase();
    let expected = format!("proxy-authorization: basic {credentials}").to_ascii_lowercase();
    assert!(head.contains(&expected), "{head}");
    let [seen] = publisher.provider.received().try_into().unwrap();
    assert_eq!(seen.headers.get("proxy-authorization"), None, "the provider isn't the proxy");
}

#[tokio::test]
async fn loopback_is_never_reached_through_the_proxy() {
    let publisher = Publisher::start().await;
    let proxy = ForwardProxy::start(None).await;
    let http = http().proxy(format!("http://{}", proxy.addr)).build().unwrap();
    let keys = publisher.keys().http_client(http.clone()).connect().await.unwrap();
    let serving = publisher.serve(keys).await;
    assert_eq!(serving.bearer(&publisher.token()).await, ada());
    // Nothing listens there, and the proxy isn't asked either.
    for host in ["localhost", "a.localhost", "[::1]", "[::ffff:127.0.0.1]"] {
        let url = format!("https://{host}:1/keys");
        let keys = RemoteKeys::jwks(url).http_client(http.clone()).connect();
        within(host, keys).await.unwrap_err();
    }
    assert_eq!(proxy.heads(), Vec::<String>::new());
}

#[tokio::test]
async fn failing_proxy_is_reported_without_its_password() {
    let proxy = ForwardProxy::start(None).await;
    let stopped = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for addr in [proxy.addr, stopped] {
        let http = HttpClient::builder().proxy(format!("http://user:pa55@{addr}"));
        assert!(!format!("{http:?}").contains("pa55"));
        let http = http.build().unwrap();
        assert!(!format!("{http:?}").contains("pa55"));
        let keys = RemoteKeys::jwks("https://id.example/keys").http_client(http).connect();
        let error = within("connecting", keys).await.unwrap_err();
        let mut text = format!("{error:?}");
        let mut cause: Option<&dyn std::error::Error> = Some(&error);
        while let Some(error) = cause {
            text += &format!("{error}: ");
            cause = error.source();
        }
        assert!(text.contains("the request to https://id.example/keys failed"), "{text}");
        for secret in ["pa55", "dXNlcjpwYTU1"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    assert_eq!(proxy.heads().len(), 1);
}

/// The proxy can't read or replace the keys: the certificate must be the provider's.
#[tokio::test]
async fn certificate_of_another_host_is_rejected_through_the_proxy() {
    let (publisher, authority) = publisher_for("evil.example").await;
    let proxy = ForwardProxy::start(Some(address(&publisher))).await;
    let http = HttpClient::builder().proxy(format!("http://{}", proxy.addr));
    let http = http.trust_only(authority).build().unwrap();
    let keys = RemoteKeys::jwks("https://id.example/keys").http_client(http).connect();
    within("connecting", keys).await.unwrap_err();
    assert_eq!((proxy.heads().len(), publisher.provider.request_count()), (1, 0));
}

#[tokio::test]
async fn additional_authorities_are_trusted_beside_others() {
    let (publisher, authority) = publisher_for("127.0.0.1").await;
    let (other, _) = certified("127.0.0.1");
    let builder = HttpClient::builder;
    for http in [
        builder().trust_also(&authority),
        builder().trust_also(&other).trust_also(&authority),
        builder().trust_only(other.clone()).trust_also(&authority),
        builder().trust_only(authority.clone()).trust_also(&other),
    ] {
        let keys =
            RemoteKeys::jwks(publisher.provider.url(JWKS)).http_client(http.build().unwrap());
        keys.connect().await.unwrap();
    }
    let http = builder().trust_also(&other).build().unwrap();
    let keys = RemoteKeys::jwks(publisher.provider.url(JWKS)).http_client(http);
    keys.connect().await.unwrap_err();
    for pem in ["no PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        assert!(builder().trust_also(pem).build().is_err(), "{pem:?}");
    }
}

#[tokio::test]
async fn bytes_are_requested_and_posted_within_the_limits() {
    let provider = Provider::start().await;
    provider.reply("/echo", Reply::Json("{}".into()));
    provider.reply("/missing", Reply::status(404));
    provider.reply("/endless", Reply::Endless);
    let client = http().build().unwrap();
    let headers = || {
        http::HeaderMap::from_iter([(
            http::header::AUTHORIZATION,
            http::HeaderValue::from_static("Bearer token"),
        )])
    };
    let response = client.post(&provider.url("/echo"), headers(), "a=b").await.unwrap();
    assert_eq!((response.status().as_u16(), &response.body()[..]), (200, &b"{}"[..]));
    let response = client.get(&provider.url("/missing"), headers()).await.unwrap();
    assert_eq!(response.status().as_u16(), 404);
    let received = provider.received();
    assert_eq!(received[0].form["a"], "b");
    assert!(received.iter().all(|seen| seen.headers["authorization"] == "Bearer token"));
    client.get(&provider.url("/endless"), headers()).await.unwrap_err();
    let https_only = HttpClient::new().unwrap();
    https_only.get(&provider.url("/echo"), headers()).await.unwrap_err();
    https_only.post(&provider.url("/echo"), headers(), "").await.unwrap_err();
    assert_eq!(provider.request_count(), 3);
}
