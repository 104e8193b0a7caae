//! The state of an issuer: its keys and its documents.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::json;

use crate::signing_key::{Algorithm, SigningKey};

/// The state that the issuer shares with its HTTP server.
#[derive(Debug)]
pub(crate) struct IssuerState {
    pub(crate) algorithm: Algorithm,
    /// Never empty. The last key signs.
    pub(crate) keys: Mutex<Vec<Arc<SigningKey>>>,
    /// Makes key ids and `jti` claims unique.
    pub(crate) counter: AtomicUsize,
    pub(crate) fetches: AtomicUsize,
}

impl IssuerState {
    pub(crate) fn keys(&self) -> MutexGuard<'_, Vec<Arc<SigningKey>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn jwks(&self) -> String {
        let keys: Vec<_> = self.keys().iter().map(|key| key.jwk()).collect();
        json!({ "keys": keys }).to_string()
    }

    /// Returns the document at `path`, for an issuer with this identifier.
    pub(crate) fn document(&self, identifier: &str, path: &str) -> Option<String> {
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
