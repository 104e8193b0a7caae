//! Authenticates partners by API keys, which are replaced and revoked while the server runs.
//!
//! `cargo run -p tonic-guard-examples --bin api_key` runs the example, and
//! `cargo run -p tonic-guard-examples --bin api_key -- generate acme_live` generates a key.

use std::{
    error::Error,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde::Deserialize;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{
    Request, Response, Status,
    transport::{Channel, Server},
};
use tonic_guard::{
    Authenticate, GuardedRoutes, HasScopes,
    api_keys::{ApiKeys, GeneratedKey, KeyRecord},
    authenticated, guard,
};
use tonic_guard_examples::{
    hello::{
        GreetRequest, Greeting,
        hello_client::HelloClient,
        hello_server::{Hello, HelloServer},
    },
    outcome,
};

/// The owner of a key: the value of `identity` in the key file.
#[derive(Clone, Deserialize)]
struct Partner {
    name: String,
    scopes: Vec<String>,
}

impl HasScopes for Partner {
    fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|granted| granted == scope)
    }
}

#[derive(Authenticate)]
struct Greeter {
    #[verifies("api-key")]
    partners: ApiKeys<Partner>,
}

#[authenticated(scheme = "api-key", scopes("greetings:read"))]
#[tonic::async_trait]
impl Hello for Greeter {
    async fn greet(
        &self,
        _: Request<GreetRequest>,
        #[identity] partner: Partner,
    ) -> Result<Response<Greeting>, Status> {
        Ok(Response::new(Greeting { text: format!("hello {}", partner.name) }))
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => run().await,
        ["generate", prefix] => generate(prefix),
        _ => Err("usage: api_key [generate PREFIX]".into()),
    }
}

/// Generates a key and prints it. It isn't stored anywhere.
fn generate(prefix: &str) -> Result<(), Box<dyn Error>> {
    let key = GeneratedKey::new(prefix)?;
    println!(
        "The key, which only its owner may have. It isn't printed again:\n\n  {}\n",
        key.key()
    );
    println!("Its record, for the server's key file:\n\n  {}", key.record());
    Ok(())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let acme = GeneratedKey::new("demo")?;
    let new_acme = GeneratedKey::new("demo")?;
    let globex = GeneratedKey::new("demo")?;
    let file = KeyFile::new();
    file.replace(&[acme.record()], &[globex.record()])?;

    let greeter = Greeter { partners: ApiKeys::from_file(&file.0)? };
    let routes = GuardedRoutes::new().guarded(guard(greeter, HelloServer::from_arc));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    let server = Server::builder().add_routes(routes.into());

    let calls = async {
        let client = HelloClient::connect(url).await?;
        let mistyped = format!("{}x", acme.key());
        let unknown = GeneratedKey::new("demo")?;
        expect(&client, "acme's key", acme.key(), "hello acme").await?;
        expect(&client, "no key", "", "Unauthenticated CREDENTIALS_MISSING").await?;
        expect(&client, "a mistyped key", &mistyped, "Unauthenticated CREDENTIALS_MALFORMED")
            .await?;
        expect(&client, "an unknown key", unknown.key(), "Unauthenticated API_KEY_INVALID").await?;
        let no_scope = "PermissionDenied ACCESS_TOKEN_SCOPE_INSUFFICIENT";
        expect(&client, "globex's key", globex.key(), no_scope).await?;

        println!("\nacme gets a second key:");
        file.replace(&[acme.record(), new_acme.record()], &[globex.record()])?;
        expect(&client, "acme's new key", new_acme.key(), "hello acme").await?;
        expect(&client, "acme's key", acme.key(), "hello acme").await?;

        println!("\nacme's first key and globex's key are revoked:");
        file.replace(&[new_acme.record()], &[])?;
        expect(&client, "acme's key", acme.key(), "Unauthenticated API_KEY_INVALID").await?;
        expect(&client, "globex's key", globex.key(), "Unauthenticated API_KEY_INVALID").await?;
        expect(&client, "acme's new key", new_acme.key(), "hello acme").await
    };
    tokio::select! {
        served = server.serve_with_incoming(TcpListenerStream::new(listener)) => {
            served?;
            Err("the server stopped before the calls ended".into())
        }
        called = calls => called,
    }
}

/// Repeats the call until it has the expected outcome: the server reloads a replaced file within a second.
async fn expect(
    client: &HelloClient<Channel>,
    kind: &str,
    key: &str,
    expected: &str,
) -> Result<(), Box<dyn Error>> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let mut request = Request::new(GreetRequest {});
        if !key.is_empty() {
            request.metadata_mut().insert("x-api-key", key.parse()?);
        }
        let answer = client.clone().greet(request).await;
        let outcome = outcome(answer.map(|answer| answer.into_inner().text));
        if outcome == expected {
            println!("  {kind:<14}  {outcome}");
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!("{kind}: {outcome}, expected {expected}").into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A temporary key file.
struct KeyFile(PathBuf);

impl KeyFile {
    fn new() -> Self {
        let name = format!("tonic-guard-example-{}.json", std::process::id());
        KeyFile(std::env::temp_dir().join(name))
    }

    /// Writes a new file and renames it, so that the server never reads a partial file.
    fn replace(&self, acme: &[&KeyRecord], globex: &[&KeyRecord]) -> std::io::Result<()> {
        let list = |records: &[&KeyRecord]| {
            records.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        let content = format!(
            r#"[
  {{ "identity": {{ "name": "acme", "scopes": ["greetings:read"] }}, "keys": [{}] }},
  {{ "identity": {{ "name": "globex", "scopes": [] }}, "keys": [{}] }}
]"#,
            list(acme),
            list(globex),
        );
        let new: &Path = &self.0.with_extension("new");
        std::fs::write(new, content)?;
        std::fs::rename(new, &self.0)
    }
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        _ = std::fs::remove_file(&self.0);
    }
}
