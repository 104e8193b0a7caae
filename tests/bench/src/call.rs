//! Calls in process: builds a request, calls a server and reads the answer.

use std::convert::Infallible;

use bytes::{BufMut, Bytes, BytesMut};
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, Version,
    header::{AUTHORIZATION, CONTENT_TYPE, TE, USER_AGENT},
};
use http_body_util::Full;
use prost::Message;
use tonic::{body::Body, transport::server::TcpConnectInfo};
use tower_service::Service;

use crate::{
    pb::Words,
    service::TOKEN,
    variant::{Variant, Visit},
};

/// A call that can be repeated.
#[derive(Clone, Debug)]
pub struct Call {
    uri: http::Uri,
    headers: Vec<(http::HeaderName, HeaderValue)>,
    frame: Bytes,
}

impl Call {
    /// A call with `size` bytes of text and `good` credentials, or wrong ones of the same length.
    pub fn new(size: usize, good: bool) -> Self {
        let message = Words { text: vec![b'x'; size] };
        let mut frame = BytesMut::with_capacity(size + 16);
        frame.put_u8(0);
        frame.put_u32(u32::try_from(message.encoded_len()).unwrap_or(u32::MAX));
        frame.put_slice(&message.encode_to_vec());
        let token = if good { TOKEN.to_owned() } else { TOKEN.replace('7', "8") };
        let authorization = HeaderValue::from_maybe_shared(Bytes::from(format!("Bearer {token}")));
        let mut headers = vec![
            (TE, HeaderValue::from_static("trailers")),
            (CONTENT_TYPE, HeaderValue::from_static("application/grpc")),
            (USER_AGENT, HeaderValue::from_static("grpc-rust/0.14")),
        ];
        headers.extend(authorization.ok().map(|value| (AUTHORIZATION, value)));
        let uri = http::Uri::from_static("http://localhost/guard.bench.v1.Echo/Say");
        Call { uri, headers, frame: frame.freeze() }
    }

    /// The same call of another method.
    pub fn with_path(self, path: &'static str) -> Self {
        Call { uri: http::Uri::from_static(path), ..self }
    }

    /// The same call with `more` headers that no policy reads.
    pub fn with_headers(mut self, more: usize) -> Self {
        for number in 0..more {
            let name = http::HeaderName::try_from(format!("x-trace-{number:02}"));
            self.headers
                .extend(name.ok().map(|name| (name, HeaderValue::from_static("0af7651916cd43dd"))));
        }
        self
    }

    /// The same call with another bearer token.
    pub fn with_token(mut self, token: &str) -> Self {
        let value = HeaderValue::from_maybe_shared(Bytes::from(format!("Bearer {token}")));
        self.headers.retain(|(name, _)| name != AUTHORIZATION);
        self.headers.extend(value.ok().map(|value| (AUTHORIZATION, value)));
        self
    }

    fn request(&self) -> Request<Body> {
        let mut request = Request::new(Body::new(Full::new(self.frame.clone())));
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = HeaderMap::with_capacity(2 * self.headers.len());
        for (name, value) in &self.headers {
            request.headers_mut().append(name, value.clone());
        }
        // The extensions that tonic's transport adds to every request.
        request.extensions_mut().insert(TcpConnectInfo { local_addr: None, remote_addr: None });
        request
    }

    /// Sends the call and reads the whole answer. Returns the status of the headers or the
    /// trailers.
    pub async fn send<S, R>(&self, server: &mut S) -> Option<HeaderValue>
    where
        S: Service<Request<Body>, Response = Response<R>, Error = Infallible>,
        R: http_body::Body<Data = Bytes>,
    {
        let Ok(()) = std::future::poll_fn(|cx| server.poll_ready(cx)).await;
        let Ok(response) = server.call(self.request()).await;
        let (head, body) = response.into_parts();
        let mut status = head.headers.get("grpc-status").cloned();
        let mut body = std::pin::pin!(body);
        while let Some(Ok(frame)) = std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await {
            if let Some(trailers) = frame.trailers_ref() {
                status = trailers.get("grpc-status").cloned();
            }
        }
        status
    }

    /// Builds the request alone, to measure its cost.
    fn make_alone(&self) {
        drop(std::hint::black_box(self.request()));
    }
}

/// Makes `count` calls of one server in sequence. The process does nothing else, so that its
/// instructions and allocations are those of the calls.
pub struct Repeat<'a> {
    pub call: &'a Call,
    pub count: usize,
    /// The expected status of each call.
    pub status: &'a str,
}

impl Visit for Repeat<'_> {
    type Output = Result<(), String>;

    fn server<S, R>(self, mut server: S) -> Result<(), String>
    where
        S: Service<Request<Body>, Response = Response<R>, Error = Infallible>,
        R: http_body::Body<Data = Bytes>,
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| error.to_string())?.block_on(async {
            for _ in 0..self.count {
                let status = self.call.send(&mut server).await;
                if status.as_ref().map(HeaderValue::as_bytes) != Some(self.status.as_bytes()) {
                    return Err(format!("a call ended with {status:?}, not {}", self.status));
                }
            }
            Ok(())
        })
    }
}

/// The program's measured mode: `calls WORD SIZE good|bad COUNT`.
pub fn make_calls(word: &str, size: usize, good: bool, count: usize) -> Result<(), String> {
    let call = Call::new(size, good);
    if word == "request" {
        for _ in 0..count {
            call.make_alone();
        }
        return Ok(());
    }
    let variant = Variant::from_word(word).ok_or_else(|| format!("no variant `{word}`"))?;
    let status = if good || variant == Variant::Open { "0" } else { "16" };
    variant.visit(Repeat { call: &call, count, status })
}
