//! Migrates a service from an interceptor to tonic-guard, one method at a time.
//!
//! `cargo run -p tonic-guard-examples --bin adopt`
//!
//! 1. Put `#[authenticated(scheme = FromExtensions::<User>::new() via TrustExtension)]` on the impl,
//!    and `guard` around the server. The interceptor stays unchanged. The handlers now receive the value
//!    that it puts into the extensions as a typed parameter.
//! 2. Give each method a scheme, with the scopes and roles that the interceptor couldn't check because
//!    it doesn't know the method. In this example `cancel` has migrated.
//! 3. Remove the interceptor when no method reads the extensions any more. If it is missing before, the
//!    methods that need it reject every call. Only `#[anonymous(..)]` methods are open.
//!
//! The interceptor must be *outside* `guard`. A guard decides before the service inside it runs: with the
//! interceptor inside, the extensions are still empty, and the guard rejects every call. Outside, the
//! interceptor also rejects calls itself: `ping` is open to everyone only without the interceptor.
//!
//! In this example the interceptor wraps one service. For a whole server, use a layer:
//! `Server::builder().layer(InterceptorLayer::new(recognise)).add_routes(routes.into())`.

use std::error::Error;

use tokio::net::TcpListener;
use tokio_stream::{Empty, wrappers::TcpListenerStream};
use tonic::{
    Request, Response, Status, Streaming,
    service::interceptor::InterceptedService,
    transport::{Channel, Server, server::Router},
};
use tonic_guard::{
    Authenticate, authenticated, guard,
    scheme::{FromExtensions, TrustExtension},
};
use tonic_guard_examples::{
    Credentials, DemoTokens, demo, outcome,
    pb::{
        CancelOrder, ListOrders, Order, OrderList, Summary, WatchOrders,
        orders_client::OrdersClient,
        orders_server::{Orders, OrdersServer},
    },
};

/// The user that the interceptor puts into the extensions.
#[derive(Clone)]
struct User {
    name: &'static str,
}

/// The existing interceptor.
#[allow(clippy::result_large_err, reason = "the type is tonic's")]
fn recognise(mut request: Request<()>) -> Result<Request<()>, Status> {
    let header = request.metadata().get("authorization").and_then(|value| value.to_str().ok());
    let user = match header.and_then(|header| header.strip_prefix("Bearer ")) {
        Some(demo::ADA_TOKEN) => User { name: "ada" },
        Some(demo::EVE_TOKEN) => User { name: "eve" },
        _ => return Err(Status::unauthenticated("log in first")),
    };
    request.extensions_mut().insert(user);
    Ok(request)
}

#[derive(Authenticate)]
struct Shop {
    #[verifies("bearer")]
    tokens: DemoTokens,
}

/// Converts the verifier's identity, so that a migrated method can keep its type.
impl From<tonic_guard_examples::User> for User {
    fn from(user: tonic_guard_examples::User) -> Self {
        User { name: user.name }
    }
}

#[authenticated(scheme = FromExtensions::<User>::new() via TrustExtension)]
#[tonic::async_trait]
impl Orders for Shop {
    // Not migrated yet. The parameter replaces `request.extensions().get::<User>()`.
    async fn list(
        &self,
        _: Request<ListOrders>,
        #[identity] user: User,
    ) -> Result<Response<OrderList>, Status> {
        let order = Order { id: 1, owner: user.name.into(), cancelled: false };
        Ok(Response::new(OrderList { orders: vec![order] }))
    }

    // Migrated.
    #[authenticated(scheme = "bearer", scopes("orders:write"))]
    async fn cancel(
        &self,
        request: Request<CancelOrder>,
        #[identity] user: User,
    ) -> Result<Response<Order>, Status> {
        let id = request.into_inner().id;
        Ok(Response::new(Order { id, owner: user.name.into(), cancelled: true }))
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
async fn main() -> Result<(), Box<dyn Error>> {
    println!("The interceptor is outside the guard, where it belongs:");
    let guarded = guard(Shop { tokens: DemoTokens }, OrdersServer::from_arc);
    let server = Server::builder().add_service(InterceptedService::new(guarded, recognise));
    let calls = [
        // The interceptor rejects these two, and sends no `ErrorInfo`.
        (Call::Ping, Credentials::NONE, "Unauthenticated without a reason"),
        (Call::List, Credentials::NONE, "Unauthenticated without a reason"),
        (Call::List, Credentials::ADA, "answered: for ada"),
        (Call::Cancel, Credentials::EVE, "PermissionDenied ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        (Call::Cancel, Credentials::ADA, "answered: for ada"),
    ];
    check_calls(server, &calls).await?;

    println!("The interceptor is missing:");
    let guarded = guard(Shop { tokens: DemoTokens }, OrdersServer::from_arc);
    let server = Server::builder().add_service(guarded);
    let calls = [
        (Call::Ping, Credentials::NONE, "answered"),
        (Call::List, Credentials::ADA, "Unauthenticated CREDENTIALS_MISSING"),
        (Call::Cancel, Credentials::NONE, "Unauthenticated CREDENTIALS_MISSING"),
        (Call::Cancel, Credentials::EXPIRED, "Unauthenticated ACCESS_TOKEN_EXPIRED"),
        (Call::Cancel, Credentials::ADA, "answered: for ada"),
    ];
    check_calls(server, &calls).await?;

    println!("The interceptor is inside the guard, where it runs too late:");
    let guarded = guard(Shop { tokens: DemoTokens }, |shop| {
        InterceptedService::new(OrdersServer::from_arc(shop), recognise)
    });
    let server = Server::builder().add_service(guarded);
    let calls = [
        (Call::List, Credentials::ADA, "Unauthenticated CREDENTIALS_MISSING"),
        (Call::Cancel, Credentials::ADA, "answered: for ada"),
    ];
    check_calls(server, &calls).await
}

#[derive(Clone, Copy, Debug)]
enum Call {
    Ping,
    List,
    Cancel,
}

/// Serves on loopback, makes the calls and checks their outcomes.
async fn check_calls(
    server: Router,
    calls: &[(Call, Credentials, &str)],
) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let calls = async {
        let mut client = OrdersClient::connect(url).await?;
        for (call, credentials, expected) in calls {
            let outcome = outcome(call.make(&mut client, *credentials).await);
            println!("  {:<8}  {:<17}  {outcome}", format!("{call:?}"), credentials.kind);
            if outcome != *expected {
                return Err(format!("expected {expected}").into());
            }
        }
        Ok(())
    };
    tokio::select! {
        served = server.serve_with_incoming(TcpListenerStream::new(listener)) => {
            served?;
            Err("the server stopped before the calls ended".into())
        }
        called = calls => called,
    }
}

impl Call {
    async fn make(
        self,
        client: &mut OrdersClient<Channel>,
        credentials: Credentials,
    ) -> Result<String, Status> {
        Ok(match self {
            Call::Ping => {
                client.ping(credentials.request(())?).await?;
                "answered".into()
            }
            Call::List => {
                let answer = client.list(credentials.request(ListOrders {})?).await?.into_inner();
                let owners: Vec<_> = answer.orders.iter().map(|order| &*order.owner).collect();
                format!("answered: for {}", owners.join(", "))
            }
            Call::Cancel => {
                let answer = client.cancel(credentials.request(CancelOrder { id: 1 })?).await?;
                format!("answered: for {}", answer.into_inner().owner)
            }
        })
    }
}
