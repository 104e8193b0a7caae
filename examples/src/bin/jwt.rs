//! Verifies signed tokens (JWTs) of an identity provider, and shows which tokens are rejected and why.
//!
//! `cargo run -p tonic-guard-examples --bin jwt`
//!
//! The provider is in memory, as in a test of your service. In production, load the keys from a file or
//! fetch them from the provider. The rest is the same.

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

/// The identifier of this service at the provider.
const AUDIENCE: &str = "https://orders.example";

/// The provider's private claims.
#[derive(Deserialize)]
struct Tenant {
    tenant: String,
}

type Caller = Claims<Tenant>;

#[derive(Authenticate)]
struct TenantOrders {
    #[verifies("bearer")]
    tokens: JwtVerifier<Caller>,
    /// The tenant that owns the orders.
    tenant: String,
}

#[authenticated(scheme = "bearer", authorize = Self::is_own_tenant)]
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

    // The attribute on a method replaces the impl's default, so the custom check is repeated.
    #[authenticated(
        scheme = "bearer",
        scopes("orders:write"),
        authorize = Self::is_own_tenant
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

    #[anonymous(reason = "load balancers have no credentials")]
    async fn ping(&self, _: Request<()>) -> Result<Response<()>, Status> {
        Ok(Response::new(()))
    }
}

impl TenantOrders {
    async fn is_own_tenant(&self, caller: &Caller, _: &CallHead<'_>) -> Result<(), AuthError> {
        if caller.extra().tenant == self.tenant { Ok(()) } else { Err(AuthError::denied()) }
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let issuer = Issuer::new(ISSUER);

    // The only line that a service needs.
    let tokens =
        JwtVerifier::access_tokens(ISSUER, AUDIENCE).build(KeySet::from_jwks(issuer.jwks())?);
    let orders = TenantOrders { tokens, tenant: "acme".into() };
    let routes = GuardedRoutes::new().guarded(guard(orders, OrdersServer::from_arc));

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

/// Makes a valid token with all claims that the service requires.
fn ada(issuer: &Issuer) -> tonic_guard_test::Token<'_> {
    issuer.access_token(AUDIENCE).subject("ada").claim("tenant", "acme").scope("orders:write")
}

async fn make_calls(addr: SocketAddr, issuer: &Issuer) -> Result<(), Box<dyn Error>> {
    let client = OrdersClient::connect(format!("http://{addr}")).await?;
    let forger = Issuer::new(ISSUER);
    let calls = [
        ("a valid token", Some(ada(issuer).sign()), "answered: order 7 of ada"),
        ("no token", None, "Unauthenticated CREDENTIALS_MISSING"),
        ("an expired token", Some(ada(issuer).expired_for(HOUR).sign()), EXPIRED),
        (
            "for another service",
            Some(ada(issuer).claim("aud", "https://mail.example").sign()),
            INVALID,
        ),
        ("of another key", Some(ada(&forger).sign()), INVALID),
        ("an ID token", Some(ada(issuer).header("typ", "JWT").sign()), INVALID),
        ("without a tenant", Some(ada(issuer).without("tenant").sign()), INVALID),
        (
            "a partial token",
            Some(ada(issuer).sign().split('.').next().unwrap_or_default().into()),
            MALFORMED,
        ),
        ("without the scope", Some(ada(issuer).scope("orders:read").sign()), NO_SCOPE),
        ("of another tenant", Some(ada(issuer).claim("tenant", "evil").sign()), DENIED),
    ];
    let mut failures = 0;
    println!("{:<20}  OUTCOME", "TOKEN");
    for (kind, token, expected) in calls {
        let outcome = outcome(cancel(client.clone(), token).await);
        println!("{kind:<20}  {outcome}");
        if outcome != expected {
            println!("{:<20}  expected {expected}", "");
            failures += 1;
        }
    }
    match failures {
        0 => Ok(()),
        _ => Err(format!("calls with an unexpected outcome: {failures}").into()),
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
        let header =
            header.map_err(|_| Status::internal("the token isn't a valid header value"))?;
        request.metadata_mut().insert("authorization", header);
    }
    let order = client.cancel(request).await?.into_inner();
    Ok(format!("answered: order {} of {}", order.id, order.owner))
}
