//! A whole call head at the guard: the handler runs only for calls that a few lines of reference
//! admit, too.

#![no_main]

use std::{
    cell::Cell,
    sync::atomic::{AtomicUsize, Ordering},
};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request as HttpRequest, Uri};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::Runtime;
use tonic::{Request, Response, Status, body::Body};
use tonic_guard::{Authenticate, Guard, authenticated, guard};
use tonic_guard_suite_support::{
    Keys, Passwords,
    pb::{
        Note,
        extra_server::{Extra, ExtraServer},
    },
};
use tower_service::Service as _;

static RAN: AtomicUsize = AtomicUsize::new(0);

#[derive(Authenticate, Default)]
struct Service {
    #[verifies("basic")]
    passwords: Passwords,
    #[verifies("api-key")]
    keys: Keys,
}

#[authenticated(scheme = one_of("basic", "api-key"))]
#[tonic::async_trait]
impl Extra for Service {
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        RAN.fetch_add(1, Ordering::Relaxed);
        Ok(Response::new(Note::default()))
    }

    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        RAN.fetch_add(1, Ordering::Relaxed);
        Ok(Response::new(Note::default()))
    }
}

thread_local! {
    static SERVER: Cell<Option<(Runtime, Guard<ExtraServer<Service>>)>> = const { Cell::new(None) };
}

/// The head of a call. Each line changes it: its first byte selects the part, the rest is the
/// value.
fn head(data: &[u8]) -> Option<HttpRequest<Body>> {
    // One empty message.
    let message = http_body_util::Full::new(vec![0; 5].into());
    let mut request =
        HttpRequest::post("/guard.test.v1.Extra/Unary").body(Body::new(message)).ok()?;
    request.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    for line in data.split(|byte| *byte == b'\n').take(8) {
        let Some((what, value)) = line.split_first() else { continue };
        let name = match what {
            b'm' => {
                *request.method_mut() = Method::from_bytes(value).ok()?;
                continue;
            }
            b'/' => {
                *request.uri_mut() = Uri::try_from(line).ok()?;
                continue;
            }
            b'u' => {
                *request.uri_mut() = Uri::try_from(value).ok()?;
                continue;
            }
            b'c' => {
                request.headers_mut().remove("content-type");
                HeaderName::from_static("content-type")
            }
            b'a' => HeaderName::from_static("authorization"),
            b'k' => HeaderName::from_static("x-api-key"),
            // Any other header: the name is before the first colon.
            _ => {
                let colon = line.iter().position(|byte| *byte == b':')?;
                let (name, value) = (line.get(..colon)?, line.get(colon + 1..)?);
                let name = HeaderName::from_bytes(name).ok()?;
                request.headers_mut().append(name, HeaderValue::from_bytes(value).ok()?);
                continue;
            }
        };
        request.headers_mut().append(name, HeaderValue::from_bytes(value).ok()?);
    }
    Some(request)
}

fn one<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h [u8]>, ()> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value.map(HeaderValue::as_bytes)),
        _ => Err(()),
    }
}

/// Whether a call with this head may run a handler, written in another way than in the library.
fn may_run(request: &HttpRequest<Body>) -> bool {
    let headers = request.headers();
    let password = |value: &[u8]| {
        let Some((word, rest)) = value.split_at_checked(5) else { return false };
        word.eq_ignore_ascii_case(b"basic")
            && rest.starts_with(b" ")
            && rest.trim_ascii_start() == b"YWRhOnBhOnNz"
            && rest.iter().all(|byte| *byte != b'\t')
    };
    let known = match (one(headers, "authorization"), one(headers, "x-api-key")) {
        (Ok(Some(value)), Ok(None)) => password(value),
        (Ok(None), Ok(Some(key))) => key == b"key-1",
        _ => false,
    };
    let paths = ["/guard.test.v1.Extra/Unary", "/guard.test.v1.Extra/GetURL"];
    known && request.method() == Method::POST && paths.contains(&request.uri().path())
}

fuzz_target!(|data: &[u8]| {
    let Some(request) = head(data) else { return };
    let (runtime, mut server) = SERVER.take().unwrap_or_else(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        (runtime.expect("a runtime"), guard(Service::default(), ExtraServer::from_arc))
    });
    let may_run = may_run(&request);
    let shown = format!("{} {} {:?}", request.method(), request.uri(), request.headers());
    let before = RAN.load(Ordering::Relaxed);
    let answer = runtime.block_on(server.call(request)).expect("an answer to each call");
    let ran = RAN.load(Ordering::Relaxed) > before;
    assert!(may_run || !ran, "it is admitted: {shown}");
    let status = Status::from_header_map(answer.headers());
    assert!(ran || status.is_some_and(|status| status.code() != tonic::Code::Ok), "{shown}");
    SERVER.set(Some((runtime, server)));
});
