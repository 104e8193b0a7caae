//! A copy of a request's head, from which a retry is made.

use http::{Extensions, HeaderName, HeaderValue, Method, Request, Uri, Version};
use tonic::{GrpcMethod, body::Body};

/// Everything of a request but its body. The copy takes one allocation, for the headers.
pub(super) struct RequestHead {
    method: Method,
    pub(super) uri: Uri,
    version: Version,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The only extension that a generated client sets.
    rpc: Option<GrpcMethod<'static>>,
    /// All extensions if there are others than `rpc`, or else none.
    extensions: Extensions,
}

impl RequestHead {
    pub(super) fn from_request(request: &Request<Body>) -> Self {
        let mut headers = Vec::with_capacity(request.headers().len());
        for (name, value) in request.headers() {
            headers.push((name.clone(), value.clone()));
        }
        let rpc = request.extensions().get::<GrpcMethod<'static>>().cloned();
        let has_others = request.extensions().len() != usize::from(rpc.is_some());
        RequestHead {
            method: request.method().clone(),
            uri: request.uri().clone(),
            version: request.version(),
            headers,
            rpc,
            extensions: if has_others { request.extensions().clone() } else { Extensions::new() },
        }
    }

    /// Makes a request with this head and `body`.
    pub(super) fn into_request(self, body: Body) -> Request<Body> {
        let mut request = Request::new(body);
        *request.method_mut() = self.method;
        *request.uri_mut() = self.uri;
        *request.version_mut() = self.version;
        request.headers_mut().extend(self.headers);
        *request.extensions_mut() = self.extensions;
        if let Some(rpc) = self.rpc {
            request.extensions_mut().insert(rpc);
        }
        request
    }
}
