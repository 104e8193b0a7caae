//! Every combination of the conditions for a retry, compared with the rule in [`Case::is_retried`].

use std::{
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt;
use tonic::{Code, Status, body::Body};
use tonic_guard::client::{CallCredentials, CallOptions, Credential};
use tonic_guard_client_tests::{Answer, Source, success};
use tonic_guard_suite_support::{
    KINDS,
    pb::{Note, kinds_client::KindsClient},
};
use tonic_types::{ErrorDetails, StatusExt};
use tower_layer::Layer;
use tower_service::Service;

use crate::with_options;

const LIMIT: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    TrailersOnly,
    WithBody,
    InTrailers,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Info {
    None,
    ThisCall,
    ThisService,
    OtherService,
    OtherMethod,
    NotCurable,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Renewed {
    Other,
    Same,
    Down,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carried {
    Channel,
    None,
    OfTheCall,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    code: Code,
    form: Form,
    info: Info,
    pushback: Option<&'static str>,
    renewed: Renewed,
    fits: bool,
    retry: bool,
    strict: bool,
    carried: Carried,
}

impl Case {
    /// The rule: whether the call is retried.
    fn is_retried(self) -> bool {
        self.code == Code::Unauthenticated
            && self.form == Form::TrailersOnly
            && match self.info {
                Info::ThisCall => true,
                Info::None | Info::ThisService => !self.strict,
                Info::OtherService | Info::OtherMethod | Info::NotCurable => false,
            }
            && self.pushback != Some("-1")
            && self.renewed == Renewed::Other
            && self.fits
            && self.retry
            && self.carried == Carried::Channel
    }

    fn first_answer(self) -> Response<Body> {
        let info = |reason: &str, service: &str, method: Option<&str>| {
            let mut metadata =
                std::collections::HashMap::from([("service".into(), service.into())]);
            if let Some(method) = method {
                metadata.insert("method".to_owned(), method.to_owned());
            }
            ErrorDetails::with_error_info(reason, "d", metadata)
        };
        let status = match self.info {
            Info::None => Status::new(self.code, "no"),
            Info::ThisCall => with(self.code, info("X", KINDS, Some("Unary"))),
            Info::ThisService => with(self.code, info("X", KINDS, None)),
            Info::OtherService => with(self.code, info("X", "other.v1.Kinds", Some("Unary"))),
            Info::OtherMethod => with(self.code, info("X", KINDS, Some("Down"))),
            Info::NotCurable => with(self.code, info("CREDENTIALS_MISSING", KINDS, Some("Unary"))),
        };
        let mut response: Response<Body> = status.into_http();
        if let Some(pushback) = self.pushback {
            let value = HeaderValue::from_static(pushback);
            response.headers_mut().insert("grpc-retry-pushback-ms", value);
        }
        match self.form {
            Form::TrailersOnly => response,
            Form::WithBody => response.map(|_| success().into_body()),
            Form::InTrailers => {
                let trailers = response.headers().clone();
                let frame = Ok::<_, Status>(http_body::Frame::<Bytes>::trailers(trailers));
                let body = http_body_util::StreamBody::new(tokio_stream::iter([frame]));
                success().map(|_| Body::new(body))
            }
        }
    }
}

fn with(code: Code, details: ErrorDetails) -> Status {
    Status::with_error_details(code, "no", details)
}

/// Reads each request to its end, gives the first response of the case, and answers all others.
#[derive(Clone)]
struct Server(Arc<Mutex<Seen>>);

struct Seen {
    case: Case,
    bodies: Vec<Bytes>,
    tokens: Vec<Option<HeaderValue>>,
}

impl Service<Request<Body>> for Server {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let seen = Arc::clone(&self.0);
        Box::pin(async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.expect("no body ends early").to_bytes();
            let mut seen = seen.lock().unwrap();
            seen.bodies.push(body);
            seen.tokens.push(head.headers.get("authorization").cloned());
            Ok(if seen.bodies.len() == 1 { seen.case.first_answer() } else { success() })
        })
    }
}

async fn check(case: Case) {
    let source = Source::new(&Arc::default());
    source.then(Answer::Token("first"));
    match case.renewed {
        Renewed::Other => source.then(Answer::Token("second")),
        Renewed::Same => source.then(Answer::Token("first")),
        Renewed::Down => source.then(Answer::Down),
    }
    let mut credentials = CallCredentials::bearer(source.clone()).replay_limit(LIMIT);
    if case.strict {
        credentials = credentials.strict_retries();
    }
    let mut options = match case.carried {
        Carried::Channel => CallOptions::new(),
        Carried::None => CallOptions::new().without_credentials(),
        Carried::OfTheCall => CallOptions::new().credential(Credential::bearer("own").unwrap()),
    };
    if !case.retry {
        options = options.without_retry();
    }
    let seen = Arc::new(Mutex::new(Seen { case, bodies: Vec::new(), tokens: Vec::new() }));
    let layered = credentials.dangerously_layer().layer(Server(Arc::clone(&seen)));
    let payload = vec![7; if case.fits { LIMIT / 2 } else { LIMIT * 2 }];
    let message = Note { text: String::new(), payload };
    let answered = KindsClient::new(layered).unary(with_options(message, options)).await;

    let seen = seen.lock().unwrap();
    let retried = case.is_retried();
    assert_eq!(seen.bodies.len(), if retried { 2 } else { 1 }, "{case:?}: {answered:?}");
    // tonic reads no body after headers with a status, and code 0 isn't among the cases.
    assert_eq!(answered.is_ok(), retried, "{case:?}: {answered:?}");
    if retried {
        assert_eq!(seen.bodies[0], seen.bodies[1], "{case:?}");
        assert_ne!(seen.tokens[0], seen.tokens[1], "{case:?}");
        assert_eq!(source.fetches(), 2);
    } else if let Err(status) = answered {
        assert_eq!(status.code(), case.code, "the rejection is the server's: {case:?}");
    }
}

#[tokio::test]
async fn call_is_retried_exactly_if_every_condition_holds() {
    let forms = [Form::TrailersOnly, Form::WithBody, Form::InTrailers];
    let infos = [
        Info::None,
        Info::ThisCall,
        Info::ThisService,
        Info::OtherService,
        Info::OtherMethod,
        Info::NotCurable,
    ];
    let mut cases = vec![Case {
        code: Code::Unauthenticated,
        form: Form::TrailersOnly,
        info: Info::None,
        pushback: None,
        renewed: Renewed::Other,
        fits: true,
        retry: true,
        strict: false,
        carried: Carried::Channel,
    }];
    let codes = [Code::Unauthenticated, Code::PermissionDenied, Code::Unavailable];
    vary(&mut cases, &codes, |case, code| Case { code, ..case });
    vary(&mut cases, &forms, |case, form| Case { form, ..case });
    vary(&mut cases, &infos, |case, info| Case { info, ..case });
    let pushbacks = [None, Some("0"), Some("-1")];
    vary(&mut cases, &pushbacks, |case, pushback| Case { pushback, ..case });
    let renewals = [Renewed::Other, Renewed::Same, Renewed::Down];
    vary(&mut cases, &renewals, |case, renewed| Case { renewed, ..case });
    vary(&mut cases, &[true, false], |case, fits| Case { fits, ..case });
    vary(&mut cases, &[true, false], |case, retry| Case { retry, ..case });
    vary(&mut cases, &[true, false], |case, strict| Case { strict, ..case });
    let carried = [Carried::Channel, Carried::None, Carried::OfTheCall];
    vary(&mut cases, &carried, |case, carried| Case { carried, ..case });
    assert_eq!(cases.len(), 11_664);
    let retried = cases.iter().filter(|case| case.is_retried()).count();
    // Two pushbacks, and three of the infos, or one of them with strict retries.
    assert_eq!(retried, 2 * (3 + 1));
    for case in cases {
        check(case).await;
    }
}

/// Replaces each case by one case per value.
fn vary<T: Copy>(cases: &mut Vec<Case>, values: &[T], change: impl Fn(Case, T) -> Case) {
    let all = cases.iter().flat_map(|case| values.iter().map(|value| change(*case, *value)));
    *cases = all.collect();
}
