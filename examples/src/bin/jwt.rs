//! Signed tokens of an identity provider: who gets in, who doesn't, and why.
//!
//! `cargo run -p tonic-guard-examples --bin jwt`
//!
//! The provider is one in memory, as a test of your service would have it. In production the keys come
//! from a file, as here, or from the provider itself; the rest is the same.

use std::{error::Error, net::SocketAddr, time::Duration};

use serde::Deserialize;
use tokio::net::TcpListener;
use tokio_stream::{Empty, wrappers::TcpListenerStream};
use tonic::{
    Request, Response, Status, Streaming,
    transport::{Channel, Server},
};
use tonic_guard::{
    AuthError, Authenticate, CallHead, GuardedRoutes, authenticated, guard,
    jwt::{Claims, JwtVerifier, KeySet},
};
use tonic_guard_examples::{
    outcome,
    pb::{
        CancelOrder, ListOrders, Order, OrderList, Summary, WatchOrders,
        orders_client::OrdersClient,
        orders_server::{Orders, OrdersServer},
    },
};
use tonic_guard_test::Issuer;

const ISSUER: &str = "https://id.example";

/// What this service is called at the provider.
const AUDIENCE: &str = "https://orders.example";

/// What the provider puts into tokens beside the registered claims.
#[derive(Deserialize)]
struct Tenant {
    tenant: String,
}

type Caller = Claims<Tenant>;

#[derive(Authenticate)]
struct TenantOrders {
    #[verifies("bearer")]
    tokens: JwtVerifier<Caller>,
    /// Whose orders these are.
    tenant: String,
}

#[authenticated(scheme = "bearer", authorize = Self::of_this_tenant)]
#[tonic::async_trait]
impl Orders for TenantOrders {
    async fn list(
        &self,
        _: Request<ListOrders>,
        #[identity] caller: Caller,
    ) -> Result<Response<OrderList>, Status> {
        let owner = caller.subject().unwrap_or("nobody").to_owned();
        let order = Order { id: 1, owner, cancelled: false };
        Ok(Response::new(OrderList { orders: vec![order] }))
    }

    // Nearest wins, whole: the tenant's check stands here again.
    #[authenticated(
        scheme = "bearer",
        scopes("orders:write"),
        authorize = Self::of_this_tenant
    )]
    async fn cancel(
        &self,
        request: Request<CancelOrder>,
        #[identity] caller: Caller,
    ) -> Result<Response<Order>, Status> {
        let owner = caller.subject().unwrap_or("nobody").to_owned();
        Ok(Response::new(Order { id: request.into_inner().id, owner, cancelled: true }))
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

impl TenantOrders {
    async fn of_this_tenant(&self, caller: &Caller, _: &CallHead<'_>) -> Result<(), AuthError> {
        if caller.extra().tenant == self.tenant { Ok(()) } else { Err(AuthError::denied()) }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let issuer = Issuer::new(ISSUER);

    // The one line that a service writes.
    let tokens =
        JwtVerifier::access_tokens(ISSUER, AUDIENCE).build(KeySet::from_jwks(issuer.jwks())?);
    let orders = TenantOrders { tokens, tenant: "acme".into() };
    let routes = GuardedRoutes::new().guarded(guard(orders, OrdersServer::from_arc));

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

/// A token that is good for everything, until something is changed in it.
fn ada(issuer: &Issuer) -> tonic_guard_test::Token<'_> {
    issuer.access_token(AUDIENCE).subject("ada").claim("tenant", "acme").scope("orders:write")
}

async fn make_calls(addr: SocketAddr, issuer: &Issuer) -> Result<(), Box<dyn Error>> {
    let client = OrdersClient::connect(format!("http://{addr}")).await?;
    let forger = Issuer::new(ISSUER);
    let calls = [
        ("a good token", Some(ada(issuer).sign()), "answered: order 7 of ada"),
        ("none", None, "Unauthenticated CREDENTIALS_MISSING"),
        ("an expired one", Some(ada(issuer).expired_for(HOUR).sign()), EXPIRED),
        (
            "for another service",
            Some(ada(issuer).claim("aud", "https://mail.example").sign()),
            INVALID,
        ),
        ("by another key", Some(ada(&forger).sign()), INVALID),
        ("an ID token", Some(ada(issuer).header("typ", "JWT").sign()), INVALID),
        ("without a tenant", Some(ada(issuer).without("tenant").sign()), INVALID),
        (
            "half of one",
            Some(ada(issuer).sign().split('.').next().unwrap_or_default().into()),
            MALFORMED,
        ),
        ("without the scope", Some(ada(issuer).scope("orders:read").sign()), NO_SCOPE),
        ("of another tenant", Some(ada(issuer).claim("tenant", "evil").sign()), DENIED),
    ];
    let mut surprises = 0;
    println!("{:<20}  OUTCOME", "TOKEN");
    for (kind, token, expected) in calls {
        let outcome = outcome(cancel(client.clone(), token).await);
        println!("{kind:<20}  {outcome}");
        if outcome != expected {
            println!("{:<20}  expected {expected}", "");
            surprises += 1;
        }
    }
    match surprises {
        0 => Ok(()),
        _ => Err(format!("calls that did not end as expected: {surprises}").into()),
    }
}

const HOUR: Duration = Duration::from_secs(3600);
const EXPIRED: &str = "Unauthenticated ACCESS_TOKEN_EXPIRED";
const INVALID: &str = "Unauthenticated JWT_TOKEN_INVALID";
const MALFORMED: &str = "Unauthenticated CREDENTIALS_MALFORMED";
const NO_SCOPE: &str = "PermissionDenied ACCESS_TOKEN_SCOPE_INSUFFICIENT";
const DENIED: &str = "PermissionDenied PERMISSION_DENIED";

async fn cancel(
    mut client: OrdersClient<Channel>,
    token: Option<String>,
) -> Result<String, Status> {
    let mut request = Request::new(CancelOrder { id: 7 });
    if let Some(token) = token {
        let header = format!("Bearer {token}").parse();
        let header = header.map_err(|_| Status::internal("a token is a header's value"))?;
        request.metadata_mut().insert("authorization", header);
    }
    let order = client.cancel(request).await?.into_inner();
    Ok(format!("answered: order {} of {}", order.id, order.owner))
}
