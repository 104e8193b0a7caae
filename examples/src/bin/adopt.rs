//! A service that has always been behind an interceptor, moving over one method at a time.
//!
//! `cargo run -p tonic-guard-examples --bin adopt`
//!
//! 1. Put `#[authenticated(scheme = FromExtensions::<User>::new() via TrustExtension)]` on the impl
//!    and `guard` around the server. The interceptor stays as it is. What it has always put into the
//!    extensions now comes to the handlers as a typed parameter.
//! 2. Give one method after the other a scheme of its own, with the scopes and roles that the
//!    interceptor couldn't ask for: it doesn't know which method is called. `cancel` has moved.
//! 3. When no method reads the extensions any more, take the interceptor off. On the way, forgetting
//!    it closes the methods that need it, and opens none but those that are `#[anonymous(..)]`.
//!
//! The interceptor stands *outside* `guard`. A guard decides before anything inside of it runs, so
//! there the extensions would still be empty and every call refused. Outside, it also goes on
//! refusing by itself: `ping` is open to everyone only once the interceptor is gone.
//!
//! Here it stands around one service. Around a whole server it is a layer:
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

/// What the handlers have always asked for.
#[derive(Clone)]
struct User {
    name: &'static str,
}

/// The interceptor as it has always been.
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

/// The verifier has a richer type; a method that has moved may keep its own.
impl From<tonic_guard_examples::User> for User {
    fn from(user: tonic_guard_examples::User) -> Self {
        User { name: user.name }
    }
}

#[authenticated(scheme = FromExtensions::<User>::new() via TrustExtension)]
#[tonic::async_trait]
impl Orders for Shop {
    // Not moved yet: `let user = request.extensions().get::<User>()` has become a parameter.
    async fn list(
        &self,
        _: Request<ListOrders>,
        #[identity] user: User,
    ) -> Result<Response<OrderList>, Status> {
        let order = Order { id: 1, owner: user.name.into(), cancelled: false };
        Ok(Response::new(OrderList { orders: vec![order] }))
    }

    // Moved.
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

    #[anonymous(reason = "load balancers ask without credentials")]
    async fn ping(&self, _: Request<()>) -> Result<Response<()>, Status> {
        Ok(Response::new(()))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    println!("The interceptor outside the guard, as it should be:");
    let guarded = guard(Shop { tokens: DemoTokens }, OrdersServer::from_arc);
    let server = Server::builder().add_service(InterceptedService::new(guarded, recognise));
    let calls = [
        // The interceptor refuses these two, and knows no reasons.
        (Call::Ping, Credentials::NONE, "Unauthenticated without a reason"),
        (Call::List, Credentials::NONE, "Unauthenticated without a reason"),
        (Call::List, Credentials::ADA, "answered: for ada"),
        (Call::Cancel, Credentials::EVE, "PermissionDenied ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
        (Call::Cancel, Credentials::ADA, "answered: for ada"),
    ];
    try_out(server, &calls).await?;

    println!("The interceptor forgotten, or taken off too early:");
    let guarded = guard(Shop { tokens: DemoTokens }, OrdersServer::from_arc);
    let server = Server::builder().add_service(guarded);
    let calls = [
        (Call::Ping, Credentials::NONE, "answered"),
        (Call::List, Credentials::ADA, "Unauthenticated CREDENTIALS_MISSING"),
        (Call::Cancel, Credentials::NONE, "Unauthenticated CREDENTIALS_MISSING"),
        (Call::Cancel, Credentials::EXPIRED, "Unauthenticated ACCESS_TOKEN_EXPIRED"),
        (Call::Cancel, Credentials::ADA, "answered: for ada"),
    ];
    try_out(server, &calls).await?;

    println!("The interceptor inside the guard, where it comes too late:");
    let guarded = guard(Shop { tokens: DemoTokens }, |shop| {
        InterceptedService::new(OrdersServer::from_arc(shop), recognise)
    });
    let server = Server::builder().add_service(guarded);
    let calls = [
        (Call::List, Credentials::ADA, "Unauthenticated CREDENTIALS_MISSING"),
        (Call::Cancel, Credentials::ADA, "answered: for ada"),
    ];
    try_out(server, &calls).await
}

#[derive(Clone, Copy, Debug)]
enum Call {
    Ping,
    List,
    Cancel,
}

/// Serves on loopback for as long as the calls take.
async fn try_out(
    server: Router,
    calls: &[(Call, Credentials, &str)],
) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let calling = async {
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
        ended = server.serve_with_incoming(TcpListenerStream::new(listener)) => {
            ended?;
            Err("the server ended before its callers".into())
        }
        called = calling => called,
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
