//! Authenticates users by password, and shows how long the first and the second check take.
//!
//! `cargo run -p tonic-guard-examples --bin basic`

use std::{error::Error, time::Instant};

use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};
use tonic_guard::{
    Authenticate, GuardedRoutes, authenticated, guard,
    passwords::{Parameters, Passwords},
};
use tonic_guard_examples::{
    hello::{
        GreetRequest, Greeting,
        hello_client::HelloClient,
        hello_server::{Hello, HelloServer},
    },
    outcome,
};

#[derive(Clone)]
struct User {
    name: &'static str,
}

#[derive(Authenticate)]
struct Greeter {
    #[verifies("basic")]
    users: Passwords<User>,
}

#[authenticated(scheme = "basic")]
#[tonic::async_trait]
impl Hello for Greeter {
    async fn greet(
        &self,
        _: Request<GreetRequest>,
        #[identity] user: User,
    ) -> Result<Response<Greeting>, Status> {
        Ok(Response::new(Greeting { text: format!("hello {}", user.name) }))
    }
}

/// A user id, a password and the outcome of a call with them.
const CALLS: [(&str, &str, &str); 5] = [
    ("ada", "open sesame", "hello Ada"),
    ("ada", "open sesame", "hello Ada"),
    ("ada", "open barley", "Unauthenticated CREDENTIALS_INVALID"),
    // It takes as long as for an existing user.
    ("mallory", "open sesame", "Unauthenticated CREDENTIALS_INVALID"),
    ("ada", "", "Unauthenticated CREDENTIALS_INVALID"),
];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // A service stores only the hash. A program that creates users makes it like this.
    let hash = Parameters::default().hash("open sesame")?;
    println!("ada's password is stored as\n  {}\n", hash.phc());

    let users = Passwords::new([("ada", hash, User { name: "Ada" })])?.max_concurrent(2);
    let routes = GuardedRoutes::new().guarded(guard(Greeter { users }, HelloServer::from_arc));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let server = Server::builder().add_routes(routes.into());

    let calls = async {
        let mut client = HelloClient::connect(url).await?;
        for (user, password, expected) in CALLS {
            let mut request = Request::new(GreetRequest {});
            let credentials = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
            request.metadata_mut().insert("authorization", credentials.parse()?);
            let start = Instant::now();
            let answer = client.greet(request).await;
            let millis = start.elapsed().as_secs_f64() * 1000.0;
            let outcome = outcome(answer.map(|answer| answer.into_inner().text));
            println!("  {user:<8} {password:<12} {millis:>7.1} ms  {outcome}");
            if outcome != expected {
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
