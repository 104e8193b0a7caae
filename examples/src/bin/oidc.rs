//! The keys of an identity provider, found by its issuer, and what becomes of calls when they change.
//!
//! `cargo run -p tonic-guard-examples --bin oidc`
//!
//! It runs a provider of its own on loopback. To ask yours whether a token gets in:
//!
//! ```sh
//! OIDC_ISSUER=https://id.example OIDC_AUDIENCE=https://orders.example OIDC_TOKEN=.. \
//!     cargo run -p tonic-guard-examples --bin oidc
//! ```
//!
//! `OIDC_PLAIN=1` takes JWTs that don't say that they are access tokens, as Keycloak's don't.

use std::{env, error::Error, process::ExitCode, time::Duration};

use tokio::{net::TcpListener, time::Instant};
use tokio_stream::{Empty, wrappers::TcpListenerStream};
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Channel, Server},
};
use tonic_guard::{
    Authenticate, authenticated, guard,
    http_client::HttpClient,
    jwt::{Claims, JwtVerifier, RemoteKeys},
};
use tonic_guard_examples::{
    outcome,
    pb::{
        CancelOrder, ListOrders, Order, OrderList, Summary, WatchOrders,
        orders_client::OrdersClient,
        orders_server::{Orders, OrdersServer},
    },
};
use tonic_guard_test::{Algorithm, Issuer};

#[derive(Authenticate)]
struct MyOrders {
    #[verifies("bearer")]
    tokens: JwtVerifier<Claims>,
}

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Orders for MyOrders {
    async fn list(
        &self,
        _: Request<ListOrders>,
        #[identity] caller: Claims,
    ) -> Result<Response<OrderList>, Status> {
        let owner = caller.subject().unwrap_or("nobody").to_owned();
        let order = Order { id: 1, owner, cancelled: false };
        Ok(Response::new(OrderList { orders: vec![order] }))
    }

    async fn cancel(&self, _: Request<CancelOrder>) -> Result<Response<Order>, Status> {
        Ok(Response::new(Order::default()))
    }

    type WatchStream = Empty<Result<Order, Status>>;

    async fn watch(&self, _: Request<WatchOrders>) -> Result<Response<Self::WatchStream>, Status> {
        Ok(Response::new(tokio_stream::empty()))
    }

    async fn ingest(&self, _: Request<Streaming<Order>>) -> Result<Response<Summary>, Status> {
        Ok(Response::new(Summary::default()))
    }

    #[anonymous(reason = "load balancers ask without credentials")]
    async fn ping(&self, _: Request<()>) -> Result<Response<()>, Status> {
        Ok(Response::new(()))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match env::var("OIDC_ISSUER") {
        Ok(issuer) => ask(&issuer).await,
        Err(_) => rotate().await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("because: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

/// Asks a provider of yours about a token.
async fn ask(issuer: &str) -> Result<(), Box<dyn Error>> {
    let setting = |name| env::var(name).map_err(|_| format!("{name} isn't set"));
    let (audience, token) = (setting("OIDC_AUDIENCE")?, setting("OIDC_TOKEN")?);

    // The two lines that a service writes.
    let keys = RemoteKeys::discover(issuer).connect().await?;
    let tokens = match env::var("OIDC_PLAIN") {
        Ok(_) => JwtVerifier::any_jwt(issuer, audience),
        Err(_) => JwtVerifier::access_tokens(issuer, audience),
    };

    let client = serve(MyOrders { tokens: tokens.build(keys) }).await?;
    println!("{}", list(&client, &token).await);
    Ok(())
}

/// Shows what becomes of calls while a provider on loopback changes its keys.
async fn rotate() -> Result<(), Box<dyn Error>> {
    const AUDIENCE: &str = "https://orders.example";

    let issuer = Issuer::serve(Algorithm::ES256).await?;
    // Shorter times than a service has, and plain http, which only loopback may have.
    let http = HttpClient::builder().allow_http_on_loopback().build()?;
    let keys = RemoteKeys::discover(issuer.identifier())
        .http_client(http)
        .cooldown(Duration::from_millis(50))
        .refresh_every(Duration::from_millis(200))
        .connect()
        .await?;
    let tokens = JwtVerifier::access_tokens(issuer.identifier(), AUDIENCE).build(keys);
    let client = serve(MyOrders { tokens }).await?;

    let token = |issuer: &Issuer| issuer.access_token(AUDIENCE).sign();
    let (good, invalid) = ("answered: 1 order of ada", "Unauthenticated JWT_TOKEN_INVALID");
    let first = token(&issuer);
    let forger = Issuer::new(issuer.identifier());
    println!("{:<42}  OUTCOME", "TOKEN");
    expect("a token by the first key", &client, &first, good).await?;
    expect("by a key that nobody published", &client, &token(&forger), invalid).await?;
    issuer.rotate();
    expect("a token by the second key", &client, &token(&issuer), good).await?;
    issuer.forget_older_keys();
    expect("the first key's token, once that is gone", &client, &first, invalid).await?;

    let known = token(&issuer);
    issuer.rotate();
    let unknown = token(&issuer);
    drop(issuer);
    let unavailable = "Unavailable AUTHENTICATOR_UNAVAILABLE";
    expect("the provider is down, an unknown key", &client, &unknown, unavailable).await?;
    expect("the provider is down, a known key", &client, &known, good).await
}

/// Calls until this becomes of it: a key that has just changed is known a little later.
async fn expect(
    kind: &str,
    client: &OrdersClient<Channel>,
    token: &str,
    expected: &str,
) -> Result<(), Box<dyn Error>> {
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut outcome = list(client, token).await;
    while outcome != expected && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
        outcome = list(client, token).await;
    }
    println!("{kind:<42}  {outcome}");
    if outcome == expected { Ok(()) } else { Err(format!("expected {expected}").into()) }
}

async fn list(client: &OrdersClient<Channel>, token: &str) -> String {
    let answer = async {
        let mut request = Request::new(ListOrders {});
        let header = format!("Bearer {token}").parse();
        let header = header.map_err(|_| Status::internal("a token is a header's value"))?;
        request.metadata_mut().insert("authorization", header);
        let orders = client.clone().list(request).await?.into_inner().orders;
        let owner = orders.first().map(|order| order.owner.clone()).unwrap_or_default();
        Ok(format!("answered: {} order of {owner}", orders.len()))
    };
    outcome(answer.await)
}

/// Serves `orders` on loopback, for as long as the program runs.
async fn serve(orders: MyOrders) -> Result<OrdersClient<Channel>, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let server = Server::builder().add_service(guard(orders, OrdersServer::from_arc));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    Ok(OrdersClient::connect(format!("http://{addr}")).await?)
}
