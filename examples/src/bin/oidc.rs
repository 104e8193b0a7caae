//! Fetches the keys of an identity provider by OpenID Connect discovery, and follows a key rotation.
//!
//! `cargo run -p tonic-guard-examples --bin oidc`
//!
//! The example runs a provider on loopback. To verify a token of your provider:
//!
//! ```sh
//! OIDC_ISSUER=https://id.example OIDC_AUDIENCE=https://orders.example OIDC_TOKEN=.. \
//!     cargo run -p tonic-guard-examples --bin oidc
//! ```
//!
//! `OIDC_PLAIN=1` accepts JWTs whose `typ` isn't `at+jwt`, such as Keycloak's.

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

    #[anonymous(reason = "load balancers have no credentials")]
    async fn ping(&self, _: Request<()>) -> Result<Response<()>, Status> {
        Ok(Response::new(()))
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let result = match env::var("OIDC_ISSUER") {
        Ok(issuer) => verify(&issuer).await,
        Err(_) => rotate().await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("caused by: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

/// Verifies a token of an external provider.
async fn verify(issuer: &str) -> Result<(), Box<dyn Error>> {
    let setting = |name| env::var(name).map_err(|_| format!("{name} isn't set"));
    let (audience, token) = (setting("OIDC_AUDIENCE")?, setting("OIDC_TOKEN")?);

    // The only lines that a service needs.
    let keys = RemoteKeys::discover(issuer).connect().await?;
    let tokens = match env::var("OIDC_PLAIN") {
        Ok(_) => JwtVerifier::any_jwt(issuer, audience),
        Err(_) => JwtVerifier::access_tokens(issuer, audience),
    };

    let client = serve(MyOrders { tokens: tokens.build(keys) }).await?;
    println!("{}", list(&client, &token).await);
    Ok(())
}

/// Makes calls while a provider on loopback rotates its keys.
async fn rotate() -> Result<(), Box<dyn Error>> {
    const AUDIENCE: &str = "https://orders.example";

    let issuer = Issuer::serve(Algorithm::ES256).await?;
    // The times are shorter than in a service. http is allowed on loopback only.
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
    let (valid, invalid) = ("answered: 1 order of ada", "Unauthenticated JWT_TOKEN_INVALID");
    let first = token(&issuer);
    let forger = Issuer::new(issuer.identifier());
    println!("{:<42}  OUTCOME", "TOKEN");
    expect("a token of the first key", &client, &first, valid).await?;
    expect("a token of an unpublished key", &client, &token(&forger), invalid).await?;
    issuer.rotate();
    expect("a token of the second key", &client, &token(&issuer), valid).await?;
    issuer.forget_older_keys();
    expect("a token of the first key, once removed", &client, &first, invalid).await?;

    let known = token(&issuer);
    issuer.rotate();
    let unknown = token(&issuer);
    drop(issuer);
    let unavailable = "Unavailable AUTHENTICATOR_UNAVAILABLE";
    expect("the provider is down: an unknown key", &client, &unknown, unavailable).await?;
    expect("the provider is down: a known key", &client, &known, valid).await
}

/// Repeats the call until it has the expected outcome: the server learns of changed keys a little later.
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
        let header =
            header.map_err(|_| Status::internal("the token isn't a valid header value"))?;
        request.metadata_mut().insert("authorization", header);
        let orders = client.clone().list(request).await?.into_inner().orders;
        let owner = orders.first().map(|order| order.owner.clone()).unwrap_or_default();
        Ok(format!("answered: {} order of {owner}", orders.len()))
    };
    outcome(answer.await)
}

/// Serves `orders` on loopback until the program ends, and returns a client.
async fn serve(orders: MyOrders) -> Result<OrdersClient<Channel>, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let server = Server::builder().add_service(guard(orders, OrdersServer::from_arc));
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    Ok(OrdersClient::connect(format!("http://{addr}")).await?)
}
