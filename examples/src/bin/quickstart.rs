//! A guarded server and its callers in one process: who gets in, who doesn't, and why.
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
        ended = server.serve_with_incoming(TcpListenerStream::new(listener)) => {
            ended?;
            return Err("the server ended before its callers".into());
        }
        made = make_calls(addr) => made?,
    }

    println!("\nWho may call what, as the server knows it:\n\n{policy}");
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

/// Each call with its credentials and what should become of it.
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
    let mut surprises = 0;
    println!("{:<10}  {:<17}  OUTCOME", "CALL", "CREDENTIALS");
    for (call, credentials, expected) in CALLS {
        let name = format!("{call:?}");
        let outcome = outcome(call.make(&mut client, credentials).await);
        println!("{name:<10}  {:<17}  {outcome}", credentials.kind);
        if outcome != expected {
            println!("{:<10}  expected {expected}", "");
            surprises += 1;
        }
    }
    match surprises {
        0 => Ok(()),
        _ => Err(format!("calls that did not end as expected: {surprises}").into()),
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
                let (mut stream, mut seen) = (answer.into_inner(), 0);
                while stream.message().await?.is_some() {
                    seen += 1;
                }
                format!("answered: {seen} orders")
            }
            Call::Ingest => {
                let orders = iter([Order { id: 4, owner: "ada".into(), cancelled: false }]);
                let answer = client.ingest(credentials.request(orders)?).await?.into_inner();
                format!("answered: {} order from {}", answer.accepted, answer.sender)
            }
        })
    }
}
