//! The token with which keys are requested, for an issuer that publishes them to authenticated callers only.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use http::HeaderValue;
use url::{Origin, Url};

#[cfg(feature = "client")]
use crate::client::{TokenSource, WithCauses};
use crate::net::http_client::{HttpClient, HttpError};

/// A token's text, or why there is none.
type TokenText = Result<Box<str>, String>;

type FetchToken = dyn Fn() -> Pin<Box<dyn Future<Output = TokenText> + Send>> + Send + Sync;

/// A source of tokens, and the origins that receive them.
#[derive(Clone)]
#[cfg_attr(not(feature = "client"), allow(dead_code, reason = "only token sources make one"))]
pub(super) struct KeyBearer {
    fetch_token: Arc<FetchToken>,
    /// The time limit of `fetch_token`.
    deadline: Duration,
    /// As configured.
    origin_urls: Vec<String>,
    /// Empty until they are checked.
    origins: Vec<Origin>,
}

impl KeyBearer {
    #[cfg(feature = "client")]
    pub(super) fn new(source: impl TokenSource, origin_urls: Vec<String>) -> Self {
        let (deadline, source) = (source.deadline(), Arc::new(source));
        let fetch_token = move || {
            let source = Arc::clone(&source);
            let text = async move {
                let token = source.token().await.map_err(|error| WithCauses(&error).to_string())?;
                Ok(token.secret().into())
            };
            Box::pin(text) as Pin<Box<dyn Future<Output = TokenText> + Send>>
        };
        KeyBearer { fetch_token: Arc::new(fetch_token), deadline, origin_urls, origins: Vec::new() }
    }

    /// Rejects anything but a list of origins that `http` may send requests to.
    pub(super) fn check(mut self, http: &HttpClient) -> Result<KeyBearer, HttpError> {
        for text in &self.origin_urls {
            let url = http.url(text)?;
            let origin = url.origin();
            // A path would look as if it limited what receives the token.
            if url.as_str() != format!("{}/", origin.ascii_serialization()) {
                return Err(HttpError::other(
                    "an origin for the bearer token has more than a host",
                ));
            }
            self.origins.push(origin);
        }
        match self.origins.is_empty() {
            true => Err(HttpError::other("the bearer token for keys has no origin")),
            false => Ok(self),
        }
    }

    pub(super) fn deadline(&self) -> Duration {
        self.deadline
    }

    /// The value of `authorization` for a request to `url`. `None` if its origin isn't listed.
    pub(super) async fn authorization(&self, url: &Url) -> Result<Option<HeaderValue>, HttpError> {
        if !self.origins.contains(&url.origin()) {
            return Ok(None);
        }
        let failed = |why: String| {
            HttpError::other(format!("there is no token to request keys with: {why}"))
        };
        let token = tokio::time::timeout(self.deadline, (self.fetch_token)()).await;
        let token = token.map_err(|_| failed("its source is too slow".into()))?.map_err(failed)?;
        let visible = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        let value = HeaderValue::from_str(&format!("Bearer {token}")).ok().filter(|_| visible);
        let mut value = value.ok_or_else(|| failed("it isn't visible ASCII".into()))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

impl fmt::Debug for KeyBearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyBearer").field("origins", &self.origins).finish_non_exhaustive()
    }
}
