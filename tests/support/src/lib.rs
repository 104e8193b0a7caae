//! What the tests share: the generated services, verifiers with known credentials, a server on
//! loopback and the reading of a refusal.

use std::{collections::HashMap, net::SocketAddr};

use tokio::{net::TcpListener, task::JoinHandle};
use tonic::{
    Request, Status,
    metadata::MetadataValue,
    transport::{Channel, server::TcpIncoming},
};
use tonic_guard::{
    AuthError, Authenticate, HasRoles, HasScopes,
    scheme::{ApiKey, ApiKeyValue, Basic, BasicCredentials, Bearer, BearerToken},
};
use tonic_types::StatusExt;

/// The generated services.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub mod pb {
    tonic::include_proto!("guard.test.v1");
}

/// The next version of one of them: a service of the same name in another package.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub mod later {
    tonic::include_proto!("guard.test.v2");
}

/// A generated service of one method, `Shape`, and another like it.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub mod shapes {
    tonic::include_proto!("guard.shapes.v1");
}

/// The full name of the service that most tests call.
pub const KINDS: &str = "guard.test.v1.Kinds";

/// Who a bearer token or a password stands for.
#[derive(Debug, PartialEq, Eq)]
pub struct User {
    /// The user's name.
    pub name: String,
    /// The scopes, separated by spaces.
    pub scopes: &'static str,
}

impl HasScopes for User {
    fn has_scope(&self, scope: &str) -> bool {
        self.scopes.split(' ').any(|granted| granted == scope)
    }
}

/// A role of a [`User`].
#[derive(Debug, PartialEq, Eq)]
pub enum Role {
    /// Held by `ada`.
    Admin,
    /// Held by `eve`.
    Clerk,
    /// Held by nobody.
    Owner,
}

impl HasRoles<Role> for User {
    fn has_role(&self, role: &Role) -> bool {
        match role {
            Role::Admin => self.name == "ada",
            Role::Clerk => self.name == "eve",
            Role::Owner => false,
        }
    }
}

/// Who an API key stands for.
#[derive(Debug, PartialEq, Eq)]
pub struct Partner(pub String);

/// The type in which users and partners meet.
#[derive(Debug, PartialEq, Eq)]
pub enum Caller {
    /// Came with a token or a password.
    User(User),
    /// Came with an API key.
    Partner(Partner),
}

impl From<User> for Caller {
    fn from(user: User) -> Self {
        Caller::User(user)
    }
}

impl From<Partner> for Caller {
    fn from(partner: Partner) -> Self {
        Caller::Partner(partner)
    }
}

impl Caller {
    /// The user's or the partner's name.
    pub fn name(&self) -> &str {
        match self {
            Caller::User(user) => &user.name,
            Caller::Partner(Partner(name)) => name,
        }
    }
}

/// Knows `ada-token` (scopes `read write`), `eve-token` (scope `read`) and `old-token`, which has
/// expired; `hang`, `panic` and `down` do what they say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tokens;

impl Authenticate<Bearer> for Tokens {
    type Identity = User;

    #[allow(clippy::panic, reason = "that is what is tested")]
    async fn authenticate(&self, token: BearerToken) -> Result<User, AuthError> {
        if token.matches("ada-token") {
            return Ok(User { name: "ada".into(), scopes: "read write" });
        }
        if token.matches("eve-token") {
            return Ok(User { name: "eve".into(), scopes: "read" });
        }
        match token.as_str() {
            "old-token" => Err(AuthError::expired()),
            "down" => Err(AuthError::unavailable().because("the directory is out of reach")),
            "panic" => panic!("a verifier panics"),
            "hang" => std::future::pending().await,
            _ => Err(AuthError::invalid().because("no such token")),
        }
    }

    fn deadline(&self) -> std::time::Duration {
        std::time::Duration::from_millis(200)
    }
}

/// Knows `ada` with the password `pa:ss`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Passwords;

impl Authenticate<Basic> for Passwords {
    type Identity = User;

    async fn authenticate(&self, credentials: BasicCredentials) -> Result<User, AuthError> {
        if credentials.user_id() == "ada" && credentials.password_matches("pa:ss") {
            Ok(User { name: "ada".into(), scopes: "read" })
        } else {
            Err(AuthError::invalid())
        }
    }
}

/// Knows one key, by default `key-1` of the partner `acme`.
#[derive(Clone, Copy, Debug)]
pub struct Keys(pub &'static str, pub &'static str);

impl Default for Keys {
    fn default() -> Self {
        Keys("key-1", "acme")
    }
}

impl Authenticate<ApiKey> for Keys {
    type Identity = Partner;

    async fn authenticate(&self, key: ApiKeyValue) -> Result<Partner, AuthError> {
        if key.matches(self.0) { Ok(Partner(self.1.into())) } else { Err(AuthError::invalid()) }
    }
}

/// A server on loopback, stopped when dropped.
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Running {
    /// Serves `router` on a port that the system picks. It accepts as soon as this returns.
    ///
    /// # Panics
    /// When loopback has no port left.
    #[allow(clippy::expect_used, reason = "a test fixture")]
    pub async fn start(router: tonic::transport::server::Router) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port on loopback");
        let addr = listener.local_addr().expect("a bound listener has an address");
        // As `Server::serve` does it. Without it the end of an answer waits for an acknowledgement.
        let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
        let task = tokio::spawn(async move {
            router
                .serve_with_incoming(incoming)
                .await
                .expect("the server runs until it is dropped");
        });
        Running { addr, task }
    }

    /// Where the server listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// A connection to the server.
    ///
    /// # Panics
    /// When it can't be made within ten seconds.
    #[allow(clippy::expect_used, reason = "a test fixture")]
    pub async fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.addr))
            .expect("an address makes a URI")
            .connect_timeout(std::time::Duration::from_secs(10))
            .connect()
            .await
            .expect("the server accepts")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A request whose metadata has these headers, in this order.
///
/// # Panics
/// When a header can't be one.
#[allow(clippy::expect_used, reason = "a test fixture")]
pub fn request<M>(message: M, headers: &[(&str, &str)]) -> Request<M> {
    let mut request = Request::new(message);
    for (name, value) in headers {
        let name = tonic::metadata::AsciiMetadataKey::from_bytes(name.as_bytes())
            .expect("a header's name");
        let value = MetadataValue::try_from(*value).expect("a header's value");
        request.metadata_mut().append(name, value);
    }
    request
}

/// The `ErrorInfo` of a refusal: its reason, domain and metadata.
pub fn error_info(status: &Status) -> Option<(String, String, HashMap<String, String>)> {
    let info = status.get_error_details().error_info()?.clone();
    Some((info.reason, info.domain, info.metadata))
}

/// The `ErrorInfo` reason of a refusal.
pub fn reason(status: &Status) -> String {
    error_info(status).map(|(reason, ..)| reason).unwrap_or_default()
}

/// The challenges of a refusal.
pub fn challenges(status: &Status) -> Vec<String> {
    let values = status.metadata().get_all("www-authenticate");
    values.iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
}
