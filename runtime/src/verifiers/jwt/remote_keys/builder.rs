use std::time::Duration;

use super::{
    key_bearer::KeyBearer, key_fetcher::KeyFetcher, key_location::UncheckedLocation,
    source::RemoteKeys,
};
use crate::net::http_client::{HttpClient, HttpError};

/// The longest `max_age`, so that no clock overflows.
const MAX_AGE_LIMIT: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Settings of [`RemoteKeys`].
#[derive(Clone, Debug)]
#[must_use]
pub struct RemoteKeysBuilder {
    location: UncheckedLocation,
    http: Option<HttpClient>,
    bearer: Option<KeyBearer>,
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
            bearer: None,
            refresh_every: Duration::from_secs(5 * 60),
            max_age: Duration::from_secs(60 * 60),
            cooldown: Duration::from_secs(30),
        }
    }

    /// Sets the HTTP client that reaches the issuer. [`HttpClient::new`] by default.
    pub fn http_client(self, http: HttpClient) -> Self {
        RemoteKeysBuilder { http: Some(http), ..self }
    }

    /// Requests the keys with a bearer token of `source`, for an issuer that publishes them to authenticated callers
    /// only, such as Kubernetes. The source is asked for each request, so a file that rotates is read again.
    ///
    /// Only these origins (`https://HOST` or `https://HOST:PORT`) receive the token. If a discovery document
    /// refers to keys elsewhere, they are requested without it.
    ///
    /// ```
    /// use tonic_guard::{client::TokenFile, jwt::RemoteKeys};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let token = || TokenFile::new("/var/run/secrets/kubernetes.io/serviceaccount/token");
    /// let cluster = "https://kubernetes.default.svc";
    /// let keys = RemoteKeys::jwks("https://kubernetes.default.svc/openid/v1/jwks");
    /// let keys = keys.bearer(token(), [cluster]).lazy()?;
    ///
    /// // Rejected: a path isn't a part of an origin.
    /// let keys = RemoteKeys::jwks("https://kubernetes.default.svc/openid/v1/jwks");
    /// assert!(keys.bearer(token(), ["https://kubernetes.default.svc/openid"]).lazy().is_err());
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "client")]
    #[cfg_attr(docsrs, doc(cfg(feature = "client")))]
    pub fn bearer<O: Into<String>>(
        self,
        source: impl crate::client::TokenSource,
        origins: impl IntoIterator<Item = O>,
    ) -> Self {
        let origins = origins.into_iter().map(Into::into).collect();
        RemoteKeysBuilder { bearer: Some(KeyBearer::new(source, origins)), ..self }
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
    /// When the URL or an origin of the bearer token is invalid or isn't https (see [`HttpClient`]), when no HTTP client can be created,
    /// and when the times violate `0 < cooldown <= refresh_every < max_age`.
    pub fn lazy(self) -> Result<RemoteKeys, HttpError> {
        let RemoteKeysBuilder { location, http, bearer, refresh_every, max_age, cooldown } = self;
        let max_age = max_age.min(MAX_AGE_LIMIT);
        if cooldown.is_zero() || cooldown > refresh_every || refresh_every >= max_age {
            return Err(HttpError::other(
                "the times of remote keys must satisfy 0 < cooldown <= refresh_every < max_age",
            ));
        }
        let http = http.map_or_else(HttpClient::new, Ok)?;
        let location = location.check(&http)?;
        let bearer = bearer.map(|bearer| bearer.check(&http)).transpose()?;
        let fetcher = KeyFetcher::new(location, http, bearer, cooldown, refresh_every, max_age);
        Ok(RemoteKeys::new(fetcher, cooldown))
    }
}
