//! Request trailers, which tonic merges over the headers.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use hyper::body::Frame;
use prost::Message;
use tonic::{Code, Request, Response, Status};
use tonic_guard::{Authenticate, authenticated};
use tonic_guard_suite_support::{
    Tokens, User,
    pb::{Note, extra_server::Extra},
    reason,
};

use crate::support::{
    raw::{Answer, Body, H2, UNARY, framed, held_open},
    service::{Ran, note, says, serve_guarded},
};

#[derive(Authenticate, Default)]
struct Reader {
    #[verifies("bearer")]
    tokens: Tokens,
    ran: Ran,
}

#[authenticated(scheme = "bearer")]
#[tonic::async_trait]
impl Extra for Reader {
    async fn unary(
        &self,
        request: Request<Note>,
        #[identity] caller: User,
    ) -> Result<Response<Note>, Status> {
        self.ran.once();
        says(format!("{} {:?}", caller.name, request.metadata().as_ref()))
    }

    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("")
    }
}

/// One note, followed by trailers with a credential and another header.
fn with_trailers(authorization: &'static str) -> Body {
    let (sender, body) = held_open();
    sender.send(Ok(Frame::data(framed(&note(""))))).unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("authorization", HeaderValue::from_static(authorization));
    trailers.insert("x-late", HeaderValue::from_static("late"));
    sender.send(Ok(Frame::trailers(trailers))).unwrap();
    body
}

fn text(answer: &Answer) -> String {
    let message: Bytes = answer.data.slice(5..);
    Note::decode(message).unwrap().text
}

#[tokio::test]
async fn request_trailers_are_dropped() {
    let service = Reader::default();
    let ran = service.ran.clone();
    let server = serve_guarded(service).await;
    let mut h2 = H2::connect(&server).await;
    let good: (&str, &[u8]) = ("authorization", b"Bearer ada-token");
    let request = h2.request(UNARY, &[good], with_trailers("Bearer eve-token"));
    let answer = h2.send(request).await.unwrap();
    assert_eq!((answer.status().code(), ran.times()), (Code::Ok, 1));
    let metadata = text(&answer);
    assert!(metadata.starts_with("ada "), "{metadata}");
    assert!(!metadata.contains("x-late"), "the handler sees the trailers: {metadata}");
}

#[tokio::test]
async fn credentials_in_trailers_are_ignored() {
    let service = Reader::default();
    let ran = service.ran.clone();
    let server = serve_guarded(service).await;
    let mut h2 = H2::connect(&server).await;
    let good: (&str, &[u8]) = ("authorization", b"Bearer ada-token");
    let bad: (&str, &[u8]) = ("authorization", b"Bearer x");
    for (headers, why) in [
        (&[][..], "CREDENTIALS_MISSING"),
        (&[bad], "CREDENTIALS_INVALID"),
        (&[good, good], "OVERLOADED_CREDENTIALS"),
    ] {
        let request = h2.request(UNARY, headers, with_trailers("Bearer ada-token"));
        let answer = h2.send(request).await.unwrap();
        assert_eq!(reason(&answer.status()), why);
    }
    assert_eq!(ran.times(), 0);
}
