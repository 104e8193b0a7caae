use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{Algorithm, SigningKey, Token, http};

/// An identity provider that a test holds in its hand.
///
/// It makes its keys, signs tokens and, when it is [served](Issuer::serve), publishes its keys on loopback
/// for a service that fetches them.
#[derive(Debug)]
pub struct Issuer {
    identifier: String,
    shared: Arc<Shared>,
    server: Option<JoinHandle<()>>,
}

/// What the server of the keys looks at too.
#[derive(Debug)]
pub(crate) struct Shared {
    algorithm: Algorithm,
    /// Never empty; the last one signs.
    keys: Mutex<Vec<Arc<SigningKey>>>,
    numbers: AtomicUsize,
    fetches: AtomicUsize,
}

impl Issuer {
    /// An issuer that tokens name by `identifier`, and that signs by ES256.
    pub fn new(identifier: impl Into<String>) -> Issuer {
        Issuer::with_algorithm(identifier, Algorithm::ES256)
    }

    /// An issuer that signs by `algorithm`.
    pub fn with_algorithm(identifier: impl Into<String>, algorithm: Algorithm) -> Issuer {
        let shared = Shared {
            algorithm,
            keys: Mutex::new(vec![Arc::new(SigningKey::generate("key-1", algorithm))]),
            numbers: AtomicUsize::new(1),
            fetches: AtomicUsize::new(0),
        };
        Issuer { identifier: identifier.into(), shared: Arc::new(shared), server: None }
    }

    /// An issuer that serves its keys on loopback and is named by its URL, as OpenID Connect Discovery has
    /// it: `/.well-known/openid-configuration` names `/jwks`. It stops when it is dropped.
    ///
    /// # Errors
    /// When loopback has no port left.
    pub async fn serve(algorithm: Algorithm) -> io::Result<Issuer> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let identifier = format!("http://{}", listener.local_addr()?);
        let mut issuer = Issuer::with_algorithm(&identifier, algorithm);
        let shared = Arc::clone(&issuer.shared);
        issuer.server = Some(tokio::spawn(http::serve(listener, identifier, shared)));
        Ok(issuer)
    }

    /// The `iss` of its tokens. Its URL, when it is served.
    pub fn identifier(&self) -> &str {
        &self.identifier
    }

    /// Where it serves its keys, when it does.
    pub fn jwks_url(&self) -> String {
        format!("{}/jwks", self.identifier)
    }

    /// An access token (RFC 9068) for `audience`: its `typ` is `at+jwt`.
    pub fn access_token(&self, audience: &str) -> Token<'_> {
        Token::new(self, "at+jwt", audience)
    }

    /// A JWT that doesn't say what it is for: its `typ` is `JWT`.
    pub fn plain_jwt(&self, audience: &str) -> Token<'_> {
        Token::new(self, "JWT", audience)
    }

    /// The key that signs.
    ///
    /// # Panics
    /// Never: there is always one.
    pub fn signing_key(&self) -> Arc<SigningKey> {
        Arc::clone(self.shared.keys().last().expect("an issuer has a key"))
    }

    /// The public keys, as a JWK set.
    pub fn jwks(&self) -> String {
        self.shared.jwks()
    }

    /// Makes a new key, which signs from now on. The older ones are published still, so that tokens which
    /// they signed stay good.
    pub fn rotate(&self) {
        let id = format!("key-{}", self.next_number() + 1);
        let key = Arc::new(SigningKey::generate(id, self.shared.algorithm));
        self.shared.keys().push(key);
    }

    /// Publishes the newest key alone. Tokens that the older ones signed are no longer good.
    pub fn forget_older_keys(&self) {
        let newest = self.signing_key();
        *self.shared.keys() = vec![newest];
    }

    /// How often somebody fetched its keys.
    pub fn key_fetches(&self) -> usize {
        self.shared.fetches.load(Ordering::SeqCst)
    }

    pub(crate) fn next_number(&self) -> usize {
        self.shared.numbers.fetch_add(1, Ordering::SeqCst)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

impl Shared {
    fn keys(&self) -> std::sync::MutexGuard<'_, Vec<Arc<SigningKey>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn jwks(&self) -> String {
        let keys: Vec<_> = self.keys().iter().map(|key| key.jwk()).collect();
        json!({ "keys": keys }).to_string()
    }

    /// What is published under `path` of the issuer that is named `identifier`.
    pub(crate) fn published(&self, identifier: &str, path: &str) -> Option<String> {
        match path {
            "/.well-known/openid-configuration" => {
                let document = json!({
                    "issuer": identifier,
                    "jwks_uri": format!("{identifier}/jwks"),
                });
                Some(document.to_string())
            }
            "/jwks" => {
                self.fetches.fetch_add(1, Ordering::SeqCst);
                Some(self.jwks())
            }
            _ => None,
        }
    }
}
