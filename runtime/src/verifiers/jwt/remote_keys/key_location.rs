//! Where an issuer's keys are found.

use std::fmt;

use http::StatusCode;
use serde::Deserialize;
use url::Url;

use crate::{
    net::http_client::{HttpClient, HttpError, is_json_object, shown, shown_text},
    verifiers::jwt::{KeyRejected, KeySet, jwk::Origin},
};

/// A place as it is set.
#[derive(Clone)]
pub(super) enum Setting {
    Jwks(String),
    OpenId(String),
    OAuth(String),
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Setting::Jwks(text) | Setting::OpenId(text) | Setting::OAuth(text)) = self;
        f.write_str(&shown_text(text))
    }
}

/// A place that may be asked.
pub(super) enum KeyLocation {
    Jwks(Url),
    /// A document that names it.
    Discovery {
        issuer: String,
        document: Url,
    },
}

/// What is read of a discovery document.
#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    jwks_uri: String,
}

impl Setting {
    /// Refuses what can't be a place, so that a mistake is told at start.
    pub(super) fn check(self, http: &HttpClient) -> Result<KeyLocation, HttpError> {
        let (issuer, path): (_, fn(&str) -> String) = match self {
            Setting::Jwks(url) => return Ok(KeyLocation::Jwks(http.url(&url)?)),
            Setting::OpenId(issuer) => {
                (issuer, |path| format!("{path}/.well-known/openid-configuration"))
            }
            Setting::OAuth(issuer) => {
                (issuer, |path| format!("/.well-known/oauth-authorization-server{path}"))
            }
        };
        let mut document = http.url(&issuer)?;
        if document.query().is_some() || document.fragment().is_some() {
            let why = format!("the issuer {} has a query or a fragment", shown(&document));
            return Err(HttpError::mistake(why));
        }
        let path = path(document.path().trim_end_matches('/'));
        document.set_path(&path);
        Ok(KeyLocation::Discovery { issuer, document })
    }
}

impl KeyLocation {
    /// The keys that are there now: at least one.
    pub(super) async fn fetch(&self, http: &HttpClient) -> Result<KeySet, HttpError> {
        let url = match self {
            KeyLocation::Jwks(url) => url.clone(),
            KeyLocation::Discovery { issuer, document } => discover(http, issuer, document).await?,
        };
        let answer = get(http, &url).await?;
        let keys = KeySet::parse(&answer, Origin::Published)
            .map_err(|error| HttpError::unusable(&url, error.to_string()))?;
        // An issuer that signs with nothing is an issuer with a fault.
        if keys.is_empty() {
            return Err(HttpError::unusable(&url, KeyRejected::NoKeys.to_string()));
        }
        Ok(keys)
    }
}

/// The URL of the keys, as `document` tells it.
async fn discover(http: &HttpClient, issuer: &str, document: &Url) -> Result<Url, HttpError> {
    let answer = get(http, document).await?;
    let found: Option<Discovery> =
        serde_json::from_slice(&answer).ok().filter(|_| is_json_object(&answer));
    let found = found.ok_or_else(|| {
        HttpError::unusable(document, "it isn't a JSON object with `issuer` and `jwks_uri`")
    })?;
    // Section 4.3: otherwise one issuer could speak for another.
    if found.issuer != issuer {
        return Err(HttpError::unusable(
            document,
            format!("it is about the issuer {:?}", shown_text(&found.issuer)),
        ));
    }
    http.url(&found.jwks_uri)
}

async fn get(http: &HttpClient, url: &Url) -> Result<bytes::Bytes, HttpError> {
    let answer = http.get_json(url).await?;
    match answer.status {
        StatusCode::OK => Ok(answer.body),
        status => Err(HttpError::status(url, status)),
    }
}

impl fmt::Display for KeyLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(match self {
            KeyLocation::Jwks(url) => url,
            KeyLocation::Discovery { document, .. } => document,
        }))
    }
}
