//! Runs a client that gets its tokens from an OAuth 2.0 provider, and a server that verifies them.
//!
//! The tokens are JWTs for a resource (RFC 8707, RFC 9068). The server finds the provider's keys by
//! discovery. For example, with npm's `oidc-provider` on port 3000:
//!
//! ```sh
//! ORDERS_CLIENT_SECRET=orders-secret cargo run -p tonic-guard-examples --bin client_oauth -- \
//!     --issuer http://127.0.0.1:3000 --client-id orders --calls 10
//! ```

use std::{
    env,
    error::Error,
    net::SocketAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Request, Response, Status,
    transport::{Endpoint, Server},
};
use tonic_guard::{
    Authenticate, GuardedRoutes, authenticated,
    client::{CallCredentials, CallOptions, oauth::ClientCredentials},
    guard,
    http_client::HttpClient,
    jwt::{Claims, JwtVerifier, RemoteKeys},
};
use tonic_guard_examples::clock::{
    Time,
    clock_client::ClockClient,
    clock_server::{Clock, ClockServer},
};

/// The identifier of the server at the provider.
const RESOURCE: &str = "https://clock.example";
const PAUSE: Duration = Duration::from_millis(250);
const USAGE: &str = "usage: client_oauth --issuer URL --client-id ID [--calls NUMBER]
       the environment variable ORDERS_CLIENT_SECRET has the client's secret";

/// The service and its verifier.
#[derive(Authenticate)]
struct MyClock {
    #[verifies("bearer")]
    tokens: JwtVerifier<Claims>,
}

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Clock for MyClock {
    async fn now(
        &self,
        _: Request<()>,
        #[identity] caller: Claims,
    ) -> Result<Response<Time>, Status> {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let caller = caller.subject().unwrap_or_default().to_owned();
        Ok(Response::new(Time { seconds: since_epoch.as_secs(), caller }))
    }
}

struct Arguments {
    issuer: String,
    client_id: String,
    client_secret: String,
    calls: u32,
}

fn arguments() -> Option<Arguments> {
    let (mut issuer, mut client_id, mut calls) = (None, None, 3);
    let mut args = env::args().skip(1);
    while let Some(name) = args.next() {
        let value = args.next()?;
        match name.as_str() {
            "--issuer" => issuer = Some(value),
            "--client-id" => client_id = Some(value),
            "--calls" => calls = value.parse().ok()?,
            _ => return None,
        }
    }
    let client_secret = env::var("ORDERS_CLIENT_SECRET").ok()?;
    Some(Arguments { issuer: issuer?, client_id: client_id?, client_secret, calls })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let Some(arguments) = arguments() else {
        eprintln!("{USAGE}");
        std::process::exit(2);
    };
    // Allows http for a provider on this machine only.
    let http = HttpClient::builder().allow_http_on_loopback().build()?;

    let issuer = &arguments.issuer;
    let keys = RemoteKeys::discover(issuer).http_client(http.clone()).connect().await?;
    // Provider and server share a clock in this example, so an expired token is rejected at once.
    let tokens =
        JwtVerifier::access_tokens(issuer, RESOURCE).clock_skew(Duration::ZERO).build(keys);
    let clock = guard(MyClock { tokens }, ClockServer::from_arc);
    let routes = GuardedRoutes::new().guarded(clock);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let server = Server::builder().add_routes(routes.into());
    tokio::select! {
        served = server.serve_with_incoming(TcpListenerStream::new(listener)) => {
            served?;
            Err("the server stopped before the calls ended".into())
        }
        called = make_calls(addr, http, arguments) => called,
    }
}

async fn make_calls(
    addr: SocketAddr,
    http: HttpClient,
    arguments: Arguments,
) -> Result<(), Box<dyn Error>> {
    let Arguments { issuer, client_id, client_secret, calls } = arguments;
    let url = format!("{issuer}/token");
    let source = ClientCredentials::new(http, &url, client_id, client_secret)?
        .scope("orders:read")
        .resource(RESOURCE);
    let channel = CallCredentials::bearer(source)
        .loopback_channel(Endpoint::from_shared(format!("http://{addr}"))?)?;
    let mut client = ClockClient::new(channel);

    let mut anonymous = Request::new(());
    anonymous.extensions_mut().insert(CallOptions::new().without_credentials());
    match client.now(anonymous).await {
        Ok(_) => return Err("a call without a token was admitted".into()),
        Err(status) => println!("without a token: {:?}", status.code()),
    }
    for _ in 0..calls {
        let time = client.now(()).await?.into_inner();
        println!("with a token: it is {} for {}", time.seconds, time.caller);
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}
