//! Where the keys of an issuer are published.

use std::fmt;

use http::StatusCode;
use serde::Deserialize;
use url::Url;

use super::key_bearer::KeyBearer;
use crate::{
    net::http_client::{HttpClient, HttpError, is_json_object, redact_text, redact_url},
    verifiers::jwt::{
        byte_order_mark::without_bom, jwk::Origin, key_rejected::KeyRejected, key_set::KeySet,
    },
};

/// A location as it is configured.
#[derive(Clone)]
pub(super) enum UncheckedLocation {
    Jwks(String),
    OpenId(String),
    OAuth(String),
}

impl fmt::Debug for UncheckedLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (UncheckedLocation::Jwks(text)
        | UncheckedLocation::OpenId(text)
        | UncheckedLocation::OAuth(text)) = self;
        f.write_str(&redact_text(text))
    }
}

/// A location that the HTTP client may send requests to.
pub(super) enum KeyLocation {
    Jwks(Url),
    /// A discovery document that contains the URL of the keys.
    Discovery {
        issuer: String,
        document: Url,
    },
}

/// The members of a discovery document that are read.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl UncheckedLocation {
    /// Rejects an invalid location, so that a wrong configuration fails at startup.
    pub(super) fn check(self, http: &HttpClient) -> Result<KeyLocation, HttpError> {
        let (issuer, path): (_, fn(&str) -> String) = match self {
            UncheckedLocation::Jwks(url) => return Ok(KeyLocation::Jwks(http.url(&url)?)),
            UncheckedLocation::OpenId(issuer) => {
                (issuer, |path| format!("{path}/.well-known/openid-configuration"))
            }
            UncheckedLocation::OAuth(issuer) => {
                (issuer, |path| format!("/.well-known/oauth-authorization-server{path}"))
            }
        };
        let mut document = http.url(&issuer)?;
        if document.query().is_some() || document.fragment().is_some() {
            let why = format!("the issuer {} has a query or a fragment", redact_url(&document));
            return Err(HttpError::other(why));
        }
        let path = path(document.path().trim_end_matches('/'));
        document.set_path(&path);
        Ok(KeyLocation::Discovery { issuer, document })
    }
}

impl KeyLocation {
    /// Fetches the keys: at least one.
    pub(super) async fn fetch(
        &self,
        http: &HttpClient,
        bearer: Option<&KeyBearer>,
    ) -> Result<KeySet, HttpError> {
        let url = match self {
            KeyLocation::Jwks(url) => url.clone(),
            KeyLocation::Discovery { issuer, document } => {
                discover(http, bearer, issuer, document).await?
            }
        };
        let body = get(http, bearer, &url).await?;
        let keys = KeySet::parse(&body, Origin::Published)
            .map_err(|error| HttpError::unusable(&url, error.to_string()))?;
        // An empty set is a fault of the issuer, and must not replace good keys.
        if keys.is_empty() {
            return Err(HttpError::unusable(&url, KeyRejected::NoKeys.to_string()));
        }
        Ok(keys)
    }
}

/// Fetches `document` and returns the URL of the keys.
async fn discover(
    http: &HttpClient,
    bearer: Option<&KeyBearer>,
    issuer: &str,
    document: &Url,
) -> Result<Url, HttpError> {
    let body = get(http, bearer, document).await?;
    let body = without_bom(&body);
    let discovery: Option<Discovery> =
        serde_json::from_slice(body).ok().filter(|_| is_json_object(body));
    let discovery = discovery.ok_or_else(|| {
        HttpError::unusable(document, "it isn't a JSON object with `issuer` and `jwks_uri`")
    })?;
    // OpenID Connect Discovery, section 4.3: one issuer must not publish the keys of another.
    if discovery.issuer != issuer {
        return Err(HttpError::unusable(
            document,
            format!("it is about the issuer {:?}", redact_text(&discovery.issuer)),
        ));
    }
    http.url(&discovery.jwks_uri)
}

async fn get(
    http: &HttpClient,
    bearer: Option<&KeyBearer>,
    url: &Url,
) -> Result<bytes::Bytes, HttpError> {
    let authorization = match bearer {
        Some(bearer) => bearer.authorization(url).await?,
        None => None,
    };
    let response = http.get_json(url, authorization).await?;
    match response.status() {
        StatusCode::OK => Ok(response.into_body()),
        status => Err(HttpError::status(url, status)),
    }
}

impl fmt::Display for KeyLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&redact_url(match self {
            KeyLocation::Jwks(url) => url,
            KeyLocation::Discovery { document, .. } => document,
        }))
    }
}
