//! Runs a guarded server and its callers, and shows which calls are admitted, and why the others aren't.
//!
//! `cargo run -p tonic-guard-examples --bin quickstart`

use std::{error::Error, net::SocketAddr};

use tokio::net::TcpListener;
use tokio_stream::{iter, wrappers::TcpListenerStream};
use tonic::{
    Status,
    transport::{Channel, Server},
};
use tonic_guard::{GuardedRoutes, guard};
use tonic_guard_examples::{
    Credentials, Shop, outcome,
    pb::{
        CancelOrder, ListOrders, Order, WatchOrders, orders_client::OrdersClient,
        orders_server::OrdersServer,
    },
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let routes = GuardedRoutes::new().guarded(guard(Shop::demo(), OrdersServer::from_arc));
    let policy = routes.policy().clone();

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    let server = Server::builder().add_routes(routes.into());
    tokio::select! {
        served = server.serve_with_incoming(TcpListenerStream::new(listener)) => {
            served?;
            return Err("the server stopped before the calls ended".into());
        }
        called = make_calls(addr) => called?,
    }

    println!("\nThe policy table of the server:\n\n{policy}");
    Ok(())
}

#[derive(Debug)]
enum Call {
    Ping,
    List,
    Cancel(u64),
    Watch,
    Ingest,
}

/// Each call with its credentials and its expected outcome.
const CALLS: [(Call, Credentials, &str); 16] = [
    (Call::Ping, Credentials::NONE, "answered"),
    (Call::List, Credentials::NONE, "Unauthenticated CREDENTIALS_MISSING"),
    (Call::List, Credentials::UNKNOWN, "Unauthenticated CREDENTIALS_INVALID"),
    (Call::List, Credentials::EXPIRED, "Unauthenticated ACCESS_TOKEN_EXPIRED"),
    (Call::List, Credentials::ACME, "Unauthenticated CREDENTIALS_MISSING"),
    (Call::List, Credentials::ADA, "answered: 2 orders"),
    (Call::Cancel(3), Credentials::EVE, "PermissionDenied ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
    (Call::Cancel(3), Credentials::ADA, "PermissionDenied PERMISSION_DENIED"),
    (Call::Cancel(1), Credentials::ADA, "answered: order 1 is cancelled"),
    (Call::Watch, Credentials::ADA, "PermissionDenied PERMISSION_DENIED"),
    (Call::Watch, Credentials::EVE, "answered: 3 orders"),
    (Call::Ingest, Credentials::NONE, "Unauthenticated CREDENTIALS_MISSING"),
    (Call::Ingest, Credentials::UNKNOWN_KEY, "Unauthenticated API_KEY_INVALID"),
    (Call::Ingest, Credentials::TWO, "Unauthenticated OVERLOADED_CREDENTIALS"),
    (Call::Ingest, Credentials::ADA, "answered: 1 order from user ada"),
    (Call::Ingest, Credentials::ACME, "answered: 1 order from partner acme"),
];

async fn make_calls(addr: SocketAddr) -> Result<(), Box<dyn Error>> {
    let mut client = OrdersClient::connect(format!("http://{addr}")).await?;
    let mut failures = 0;
    println!("{:<10}  {:<17}  OUTCOME", "CALL", "CREDENTIALS");
    for (call, credentials, expected) in CALLS {
        let name = format!("{call:?}");
        let outcome = outcome(call.make(&mut client, credentials).await);
        println!("{name:<10}  {:<17}  {outcome}", credentials.kind);
        if outcome != expected {
            println!("{:<10}  expected {expected}", "");
            failures += 1;
        }
    }
    match failures {
        0 => Ok(()),
        _ => Err(format!("calls with an unexpected outcome: {failures}").into()),
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
                let answer = client.list(credentials.request(ListOrders {})?).await?;
                format!("answered: {} orders", answer.into_inner().orders.len())
            }
            Call::Cancel(id) => {
                let answer = client.cancel(credentials.request(CancelOrder { id })?).await?;
                format!("answered: order {} is cancelled", answer.into_inner().id)
            }
            Call::Watch => {
                let answer = client.watch(credentials.request(WatchOrders {})?).await?;
                let (mut stream, mut count) = (answer.into_inner(), 0);
                while stream.message().await?.is_some() {
                    count += 1;
                }
                format!("answered: {count} orders")
            }
            Call::Ingest => {
                let orders = iter([Order { id: 4, owner: "ada".into(), cancelled: false }]);
                let answer = client.ingest(credentials.request(orders)?).await?.into_inner();
                format!("answered: {} order from {}", answer.accepted, answer.sender)
            }
        })
    }
}
