use std::time::Duration;

use url::Url;

use super::{
    client_authentication::ClientAuthentication,
    response::{self, Response},
};
use crate::{
    net::http_client::{HttpClient, HttpError},
    scheme::BearerToken,
};

/// An introspection endpoint, and how this service reaches it.
pub(super) struct IntrospectionEndpoint {
    pub(super) url: Url,
    pub(super) client: ClientAuthentication,
    pub(super) http: HttpClient,
}

impl IntrospectionEndpoint {
    pub(super) async fn introspect(&self, token: &BearerToken) -> Result<Response, HttpError> {
        let request = self
            .client
            .request(&self.url, token)
            .map_err(|error| HttpError::unusable(&self.url, error.to_string()))?;
        response::read(&self.url, &self.http.send(request).await?)
    }

    /// How long a caller waits for a response.
    pub(super) fn deadline(&self) -> Duration {
        self.http.deadline()
    }
}
