use std::time::Duration;

use super::{key_fetcher::KeyFetcher, key_location::UncheckedLocation, source::RemoteKeys};
use crate::net::http_client::{HttpClient, HttpError};

/// The longest `max_age`, so that no clock overflows.
const MAX_AGE_LIMIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Settings of [`RemoteKeys`].
#[derive(Clone, Debug)]
#[must_use]
pub struct RemoteKeysBuilder {
    location: UncheckedLocation,
    http: Option<HttpClient>,
    refresh_every: Duration,
    max_age: Duration,
    cooldown: Duration,
}

impl RemoteKeys {
    /// The JWK set at `url`.
    pub fn jwks(url: impl Into<String>) -> RemoteKeysBuilder {
        RemoteKeysBuilder::new(UncheckedLocation::Jwks(url.into()))
    }

    /// The keys of an OpenID provider, found through `ISSUER/.well-known/openid-configuration`
    /// (OpenID Connect Discovery 1.0, section 4).
    ///
    /// The `issuer` in the document must equal this one, byte by byte.
    pub fn discover(issuer: impl Into<String>) -> RemoteKeysBuilder {
        RemoteKeysBuilder::new(UncheckedLocation::OpenId(issuer.into()))
    }

    /// The keys of an OAuth authorization server, found through its metadata. The well-known name is
    /// inserted between the host and the path of the issuer (RFC 8414, section 3).
    ///
    /// The `issuer` in the document must equal this one, byte by byte.
    pub fn discover_oauth(issuer: impl Into<String>) -> RemoteKeysBuilder {
        RemoteKeysBuilder::new(UncheckedLocation::OAuth(issuer.into()))
    }
}

impl RemoteKeysBuilder {
    fn new(location: UncheckedLocation) -> Self {
        RemoteKeysBuilder {
            location,
            http: None,
            refresh_every: Duration::from_secs(5 * 60),
            max_age: Duration::from_secs(60 * 60),
            cooldown: Duration::from_secs(30),
        }
    }

    /// Sets the HTTP client that reaches the issuer. [`HttpClient::new`] by default.
    pub fn http_client(self, http: HttpClient) -> Self {
        RemoteKeysBuilder { http: Some(http), ..self }
    }

    /// Sets how often the keys are fetched in the background. A fetch comes up to a tenth earlier, at random,
    /// so that processes that started together don't ask together. A removed key stays trusted for at most
    /// this long. Five minutes by default.
    pub fn refresh_every(self, time: Duration) -> Self {
        RemoteKeysBuilder { refresh_every: time, ..self }
    }

    /// Sets how long keys stay trusted while fetches fail. Afterwards every call is rejected as
    /// UNAVAILABLE. An hour by default: most tokens from before an outage have expired by then.
    pub fn max_age(self, age: Duration) -> Self {
        RemoteKeysBuilder { max_age: age, ..self }
    }

    /// Sets the pause after the first failed fetch, and how often tokens with unknown key ids may cause a fetch,
    /// after the first two. The same holds for tokens with failed signatures. Thirty seconds by default.
    pub fn cooldown(self, time: Duration) -> Self {
        RemoteKeysBuilder { cooldown: time, ..self }
    }

    /// Fetches the keys and keeps them fresh.
    ///
    /// # Errors
    /// As for [`lazy`](RemoteKeysBuilder::lazy), and when the keys can't be fetched or none of them is
    /// usable. The error names the URL and the cause.
    pub async fn connect(self) -> Result<RemoteKeys, HttpError> {
        let keys = self.lazy()?;
        keys.connect().await?;
        Ok(keys)
    }

    /// Fetches the keys when the first token needs them, and keeps them fresh from then on.
    ///
    /// # Errors
    /// When the URL is invalid or isn't https (see [`HttpClient`]), when no HTTP client can be created,
    /// and when the times violate `0 < cooldown <= refresh_every < max_age`.
    pub fn lazy(self) -> Result<RemoteKeys, HttpError> {
        let RemoteKeysBuilder { location, http, refresh_every, max_age, cooldown } = self;
        let max_age = max_age.min(MAX_AGE_LIMIT);
        if cooldown.is_zero() || cooldown > refresh_every || refresh_every >= max_age {
            return Err(HttpError::other(
                "the times of remote keys must satisfy 0 < cooldown <= refresh_every < max_age",
            ));
        }
        let http = http.map_or_else(HttpClient::new, Ok)?;
        let location = location.check(&http)?;
        let fetcher = KeyFetcher::new(location, http, cooldown, refresh_every, max_age);
        Ok(RemoteKeys::new(fetcher, cooldown))
    }
}
