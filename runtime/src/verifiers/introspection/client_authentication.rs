use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, Request, header};
use url::{Url, form_urlencoded};

use crate::scheme::BearerToken;

/// The credentials of this service at the introspection endpoint (RFC 7662, section 2.1).
///
/// `Debug` doesn't print the secret.
///
/// ```
/// use tonic_guard::introspection::ClientAuthentication;
///
/// let client = ClientAuthentication::basic("orders", "s3cret");
/// assert!(!format!("{client:?}").contains("s3cret"));
/// ```
#[derive(Clone)]
pub struct ClientAuthentication(AuthenticationMethod);

#[derive(Clone)]
enum AuthenticationMethod {
    Header { name: &'static str, value: Arc<str> },
    Form { id: Arc<str>, secret: Arc<str> },
}

impl ClientAuthentication {
    /// `client_secret_basic`: id and secret in the `authorization` header, each of them form-encoded
    /// first (RFC 6749, section 2.3.1).
    pub fn basic(id: impl AsRef<str>, secret: impl AsRef<str>) -> Self {
        let [id, secret] = [id.as_ref(), secret.as_ref()]
            .map(|part| form_urlencoded::byte_serialize(part.as_bytes()).collect::<String>());
        let value = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        ClientAuthentication(AuthenticationMethod::Header {
            name: "client_secret_basic",
            value: value.into(),
        })
    }

    /// `client_secret_post`: id and secret in the body of the request, for a server that accepts nothing
    /// else (RFC 6749, section 2.3.1, doesn't recommend it).
    pub fn post(id: impl AsRef<str>, secret: impl AsRef<str>) -> Self {
        ClientAuthentication(AuthenticationMethod::Form {
            id: id.as_ref().into(),
            secret: secret.as_ref().into(),
        })
    }

    /// An access token that was issued to this service, in the `authorization` header.
    pub fn bearer(token: impl AsRef<str>) -> Self {
        let value = format!("Bearer {}", token.as_ref());
        ClientAuthentication(AuthenticationMethod::Header { name: "bearer", value: value.into() })
    }

    /// Creates the request that introspects `token` at `endpoint`.
    pub(super) fn request(
        &self,
        endpoint: &Url,
        token: &BearerToken,
    ) -> Result<Request<Vec<u8>>, http::Error> {
        let mut request = Request::post(endpoint.as_str())
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("token", token.as_str()).append_pair("token_type_hint", "access_token");
        match &self.0 {
            AuthenticationMethod::Header { value, .. } => {
                let mut value = HeaderValue::try_from(&**value)?;
                value.set_sensitive(true);
                request = request.header(header::AUTHORIZATION, value);
            }
            AuthenticationMethod::Form { id, secret } => {
                form.append_pair("client_id", id).append_pair("client_secret", secret);
            }
        }
        request.body(form.finish().into_bytes())
    }
}

impl fmt::Debug for ClientAuthentication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            AuthenticationMethod::Header { name, .. } => name,
            AuthenticationMethod::Form { .. } => "client_secret_post",
        };
        write!(f, "ClientAuthentication({name}, [redacted])")
    }
}
