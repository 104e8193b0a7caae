//! Refreshes tokens that expire after two seconds, without a failed call.
//!
//! `cargo run -p tonic-guard-examples --bin client_refresh`

use std::{
    collections::HashMap,
    error::Error,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Request, Response, Status,
    transport::{Endpoint, Server},
};
use tonic_guard::{
    AuthError, Authenticate, Authenticated, GuardedRoutes, authenticated,
    client::{CallCredentials, Token, TokenSource, token_fn},
    guard,
    scheme::{Bearer, BearerToken},
};
use tonic_guard_examples::clock::{
    Time,
    clock_client::ClockClient,
    clock_server::{Clock, ClockServer},
};

const LIFETIME: Duration = Duration::from_secs(2);
/// With the pauses, the calls take three times the lifetime of a token.
const CALLS: u32 = 30;
const PAUSE: Duration = Duration::from_millis(200);

/// Issues tokens and records when they expire, as an identity provider does.
#[derive(Default)]
struct Issuer(Mutex<Issued>);

#[derive(Default)]
struct Issued {
    expiries: HashMap<String, Instant>,
    rejections: u32,
}

impl Issuer {
    fn issue(&self) -> String {
        let mut issued = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let token = format!("token-{}", issued.expiries.len() + 1);
        issued.expiries.insert(token.clone(), Instant::now() + LIFETIME);
        token
    }

    /// Returns the number of issued tokens and of rejected calls.
    fn counts(&self) -> (usize, u32) {
        let issued = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (issued.expiries.len(), issued.rejections)
    }
}

/// The service, which asks the issuer about each token.
struct MyClock {
    issuer: Arc<Issuer>,
}

impl Authenticate<Bearer> for MyClock {
    type Identity = ();

    async fn authenticate(&self, token: BearerToken) -> Result<Authenticated<()>, AuthError> {
        let mut issued = self.issuer.0.lock().unwrap_or_else(PoisonError::into_inner);
        match issued.expiries.get(token.as_str()) {
            Some(expiry) if Instant::now() < *expiry => Ok(().into()),
            Some(_) => {
                issued.rejections += 1;
                Err(AuthError::expired())
            }
            None => Err(AuthError::invalid()),
        }
    }
}

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Clock for MyClock {
    async fn now(&self, _: Request<()>) -> Result<Response<Time>, Status> {
        Ok(Response::new(Time::default()))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let issuer = Arc::new(Issuer::default());
    let clock = MyClock { issuer: Arc::clone(&issuer) };
    let routes = GuardedRoutes::new().guarded(guard(clock, ClockServer::from_arc));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let server = Server::builder().add_routes(routes.into());
    tokio::select! {
        served = server.serve_with_incoming(TcpListenerStream::new(listener)) => {
            served?;
            Err("the server stopped before the calls ended".into())
        }
        called = make_calls(addr, &issuer) => called,
    }
}

async fn make_calls(addr: SocketAddr, issuer: &Arc<Issuer>) -> Result<(), Box<dyn Error>> {
    // With `expires_in`, as in OAuth responses, the client fetches a new token before the old one expires.
    let provider = Arc::clone(issuer);
    let with_lifetime = token_fn(move || {
        let token = Token::new(provider.issue()).expires_in(LIFETIME);
        async move { Ok(token) }
    });
    call_with("a source with expires_in", addr, issuer, with_lifetime).await?;

    // Without `expires_in`, the client learns from a rejection that the token has expired.
    let provider = Arc::clone(issuer);
    let without_lifetime = token_fn(move || {
        let token = Token::new(provider.issue());
        async move { Ok(token) }
    });
    call_with("a source without expires_in", addr, issuer, without_lifetime).await
}

/// Makes the calls, and prints how many tokens and rejections they took.
async fn call_with(
    name: &str,
    addr: SocketAddr,
    issuer: &Issuer,
    source: impl TokenSource,
) -> Result<(), Box<dyn Error>> {
    let credentials = CallCredentials::bearer(source);
    let channel = credentials.loopback_channel(Endpoint::from_shared(format!("http://{addr}"))?)?;
    let mut client = ClockClient::new(channel);
    let (tokens_before, rejections_before) = issuer.counts();
    for _ in 0..CALLS {
        client.now(()).await?;
        tokio::time::sleep(PAUSE).await;
    }
    let (tokens, rejections) = issuer.counts();
    println!(
        "{name}: {CALLS} calls succeeded, with {} tokens and {} retried rejections",
        tokens - tokens_before,
        rejections - rejections_before
    );
    Ok(())
}
