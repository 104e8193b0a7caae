//! Raw requests, which a tonic client would normalise.

use std::convert::Infallible;

use bytes::{BufMut, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::{net::TcpStream, sync::mpsc};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::Status;
use tonic_guard_suite_support::{Running, pb::Note};

pub(crate) type Body = BoxBody<Bytes, Infallible>;

/// `note` as one gRPC message.
pub(crate) fn framed(note: &Note) -> Bytes {
    let mut frame = BytesMut::new();
    frame.put_u8(0);
    frame.put_u32(u32::try_from(note.encoded_len()).unwrap());
    note.encode(&mut frame).unwrap();
    frame.freeze()
}

/// The body of a call: one empty note.
pub(crate) fn one_note() -> Body {
    Full::new(framed(&Note::default())).boxed()
}

type Frame = hyper::body::Frame<Bytes>;

/// A body that ends when the sender is dropped.
pub(crate) fn held_open() -> (mpsc::UnboundedSender<Result<Frame, Infallible>>, Body) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (sender, BodyExt::boxed(StreamBody::new(UnboundedReceiverStream::new(receiver))))
}

/// An HTTP/2 connection. Its clones share it.
#[derive(Clone)]
pub(crate) struct H2 {
    sender: SendRequest<Body>,
    base: String,
}

/// A response, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) http: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) data: Bytes,
    pub(crate) trailers: Option<HeaderMap>,
}

impl Answer {
    /// The gRPC status, from the headers or the trailers.
    pub(crate) fn status(&self) -> Status {
        let trailers = self.trailers.as_ref().and_then(Status::from_header_map);
        trailers.or_else(|| Status::from_header_map(&self.headers)).expect("a gRPC status")
    }
}

impl H2 {
    pub(crate) async fn connect(server: &Running) -> H2 {
        let stream = TcpStream::connect(server.addr()).await.unwrap();
        let (sender, connection) =
            handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        tokio::spawn(async move {
            // The connection ends when the server does.
            let _ = connection.await;
        });
        H2 { sender, base: format!("http://{}", server.addr()) }
    }

    /// A gRPC call of `path` with these headers.
    pub(crate) fn request(
        &self,
        path: &str,
        headers: &[(&str, &[u8])],
        body: Body,
    ) -> Request<Body> {
        let mut request = Request::new(body);
        *request.method_mut() = Method::POST;
        *request.uri_mut() =
            format!("{}{path}", self.base).parse().expect("a path that hyper sends");
        let grpc = HeaderValue::from_static("application/grpc");
        request.headers_mut().insert("content-type", grpc);
        request.headers_mut().insert("te", HeaderValue::from_static("trailers"));
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            request.headers_mut().append(name, HeaderValue::from_bytes(value).unwrap());
        }
        request
    }

    pub(crate) async fn send(&mut self, request: Request<Body>) -> hyper::Result<Answer> {
        self.sender.ready().await?;
        let (parts, body) = self.sender.send_request(request).await?.into_parts();
        let body = body.collect().await?;
        let trailers = body.trailers().cloned();
        let (http, headers) = (parts.status, parts.headers);
        Ok(Answer { http, headers, data: body.to_bytes(), trailers })
    }
}

/// The path of `unary` of the service `Extra`.
pub(crate) const UNARY: &str = "/guard.test.v1.Extra/Unary";
