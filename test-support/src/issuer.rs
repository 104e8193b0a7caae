//! The issuer and its keys.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{net::TcpListener, task::JoinHandle};

use crate::{Algorithm, SigningKey, Token, http, issuer_state::IssuerState};

/// An identity provider for tests.
///
/// It generates keys, signs tokens and, when made by [`serve`](Issuer::serve), serves its keys on loopback.
///
/// ```
#[doc = include_str!("doctest_verify.txt")]
/// use tonic_guard_test::Issuer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let issuer = Issuer::new("https://id.example");
/// let verifier = |keys| {
///     JwtVerifier::access_tokens("https://id.example", "https://orders.example").build(keys)
/// };
/// let token = issuer.access_token("https://orders.example").sign();
///
/// // Accepted: `rotate` keeps the public key that verifies the token.
/// issuer.rotate();
/// let rotated = verifier(KeySet::from_jwks(issuer.jwks())?);
/// assert!(verify(&rotated, &token).await.is_ok());
///
/// // Rejected: its key is no longer published.
/// issuer.forget_older_keys();
/// let newest = verifier(KeySet::from_jwks(issuer.jwks())?);
/// assert!(verify(&newest, &token).await.is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Issuer {
    identifier: String,
    shared: Arc<IssuerState>,
    server: Option<JoinHandle<()>>,
}

impl Issuer {
    /// Makes an issuer that signs by ES256. `identifier` is the `iss` of its tokens.
    pub fn new(identifier: impl Into<String>) -> Issuer {
        Issuer::with_algorithm(identifier, Algorithm::ES256)
    }

    /// Makes an issuer that signs by `algorithm`. `identifier` is the `iss` of its tokens.
    pub fn with_algorithm(identifier: impl Into<String>, algorithm: Algorithm) -> Issuer {
        let shared = IssuerState {
            algorithm,
            keys: Mutex::new(vec![Arc::new(SigningKey::generate("key-1", algorithm))]),
            counter: AtomicUsize::new(1),
            fetches: AtomicUsize::new(0),
        };
        Issuer { identifier: identifier.into(), shared: Arc::new(shared), server: None }
    }

    /// Makes an issuer that serves its keys on loopback. Its identifier is its URL.
    ///
    /// It serves `/.well-known/openid-configuration` (OpenID Connect Discovery 1.0) and `/jwks`, until it is
    /// dropped.
    ///
    /// # Errors
    /// When no port is free on the loopback interface.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn serve(algorithm: Algorithm) -> io::Result<Issuer> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let identifier = format!("http://{}", listener.local_addr()?);
        let mut issuer = Issuer::with_algorithm(&identifier, algorithm);
        let shared = Arc::clone(&issuer.shared);
        issuer.server = Some(tokio::spawn(http::serve(listener, identifier, shared)));
        Ok(issuer)
    }

    /// Returns the `iss` of the tokens. For a served issuer this is its URL.
    pub fn identifier(&self) -> &str {
        &self.identifier
    }

    /// Returns the URL of the JWK set, which only a served issuer serves.
    pub fn jwks_url(&self) -> String {
        format!("{}/jwks", self.identifier)
    }

    /// Starts an access token (RFC 9068) for `audience`, whose `typ` is `at+jwt`.
    pub fn access_token(&self, audience: &str) -> Token<'_> {
        Token::new(self, "at+jwt", audience)
    }

    /// Starts a JWT for `audience` whose `typ` is `JWT`, which doesn't mark it as an access token.
    pub fn plain_jwt(&self, audience: &str) -> Token<'_> {
        Token::new(self, "JWT", audience)
    }

    /// Returns the newest key, which signs the tokens.
    ///
    /// # Panics
    /// Never: an issuer always has a key.
    pub fn signing_key(&self) -> Arc<SigningKey> {
        Arc::clone(self.shared.keys().last().expect("an issuer has a key"))
    }

    /// Returns the public keys as a JWK set (RFC 7517, section 5).
    pub fn jwks(&self) -> String {
        self.shared.jwks()
    }

    /// Generates a new key, which signs all further tokens.
    ///
    /// The older keys stay published, so that their tokens stay valid.
    pub fn rotate(&self) {
        let id = format!("key-{}", self.next_number() + 1);
        let key = Arc::new(SigningKey::generate(id, self.shared.algorithm));
        self.shared.keys().push(key);
    }

    /// Removes all keys but the newest. Tokens of the removed keys become invalid.
    pub fn forget_older_keys(&self) {
        let newest = self.signing_key();
        *self.shared.keys() = vec![newest];
    }

    /// Returns how often the JWK set was fetched.
    pub fn key_fetches(&self) -> usize {
        self.shared.fetches.load(Ordering::SeqCst)
    }

    pub(crate) fn next_number(&self) -> usize {
        self.shared.counter.fetch_add(1, Ordering::SeqCst)
    }
}

impl Drop for Issuer {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}
