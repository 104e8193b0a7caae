//! A server whose tokens live two seconds, and a client that notices nothing.
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
    AuthError, Authenticate, GuardedRoutes, authenticated,
    client::{CallCredentials, Token, TokenSource, token_fn},
    guard,
    scheme::{Bearer, BearerToken},
};
use tonic_guard_examples::clock::{
    Time,
    clock_client::ClockClient,
    clock_server::{Clock, ClockServer},
};

const LIFE: Duration = Duration::from_secs(2);
/// Three times as long as a token lives.
const CALLS: u32 = 30;
const PAUSE: Duration = Duration::from_millis(200);

/// Gives out tokens and knows how long each is good. A real one is an identity provider.
#[derive(Default)]
struct Issuer(Mutex<Issued>);

#[derive(Default)]
struct Issued {
    ends: HashMap<String, Instant>,
    refused: u32,
}

impl Issuer {
    fn issue(&self) -> String {
        let mut issued = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let token = format!("token-{}", issued.ends.len() + 1);
        issued.ends.insert(token.clone(), Instant::now() + LIFE);
        token
    }

    /// How many tokens were given out, and how many calls refused.
    fn counts(&self) -> (usize, u32) {
        let issued = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (issued.ends.len(), issued.refused)
    }
}

/// The service, and what its callers' tokens are worth.
struct MyClock {
    issuer: Arc<Issuer>,
}

impl Authenticate<Bearer> for MyClock {
    type Identity = ();

    async fn authenticate(&self, token: BearerToken) -> Result<(), AuthError> {
        let mut issued = self.issuer.0.lock().unwrap_or_else(PoisonError::into_inner);
        match issued.ends.get(token.as_str()) {
            Some(end) if Instant::now() < *end => Ok(()),
            Some(_) => {
                issued.refused += 1;
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
        ended = server.serve_with_incoming(TcpListenerStream::new(listener)) => {
            ended?;
            Err("the server ended before its callers".into())
        }
        made = make_calls(addr, &issuer) => made,
    }
}

async fn make_calls(addr: SocketAddr, issuer: &Arc<Issuer>) -> Result<(), Box<dyn Error>> {
    // An answer of OAuth has `expires_in`: a new token is there before the old one ends.
    let provider = Arc::clone(issuer);
    let tells = token_fn(move || {
        let token = Token::new(provider.issue()).expires_in(LIFE);
        async move { Ok(token) }
    });
    calls_that_notice_nothing("a source that tells how long", addr, issuer, tells).await?;

    // Without it the server's refusal is what says that the token has ended.
    let provider = Arc::clone(issuer);
    let silent = token_fn(move || {
        let token = Token::new(provider.issue());
        async move { Ok(token) }
    });
    calls_that_notice_nothing("a source that doesn't tell", addr, issuer, silent).await
}

async fn calls_that_notice_nothing(
    source_is: &str,
    addr: SocketAddr,
    issuer: &Issuer,
    source: impl TokenSource,
) -> Result<(), Box<dyn Error>> {
    let credentials = CallCredentials::bearer(source);
    let channel = credentials.loopback_channel(Endpoint::from_shared(format!("http://{addr}"))?)?;
    let mut client = ClockClient::new(channel);
    let (tokens_before, refused_before) = issuer.counts();
    for _ in 0..CALLS {
        client.now(()).await?;
        tokio::time::sleep(PAUSE).await;
    }
    let (tokens, refused) = issuer.counts();
    println!(
        "{source_is}: {CALLS} calls answered, {} tokens, {} refusals that no caller saw",
        tokens - tokens_before,
        refused - refused_before
    );
    Ok(())
}
