//! Random policies and random calls: the guard and the handler check decide as a small reference
//! model does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod model;
mod service;

use std::sync::{Arc, LazyLock};

use http_body_util::BodyExt;
use proptest::prelude::*;
use tonic::{Code, Request, Status, metadata::MetadataMap};
use tonic_guard::{Guarded, guard_arc};
use tonic_guard_suite_support::{pb::Note, reason};
use tower_service::Service as _;

use crate::{
    model::{Call, METHODS, Outcome},
    pb::policies_server::PoliciesServer,
    service::{Policies, Sidecar, call_method},
};

/// The generated service.
#[allow(missing_docs, unreachable_pub, clippy::all)]
mod pb {
    tonic::include_proto!("guard.test.v1");
}

static RUNTIME: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap());

/// Values for a header: good, wrong and malformed ones.
fn values(pool: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop_oneof![
        3 => Just(vec![]),
        5 => prop::sample::select(pool).prop_map(|value| vec![value]),
        1 => prop::collection::vec(prop::sample::select(pool), 2),
    ]
}

fn calls() -> impl Strategy<Value = Call> {
    (values(model::AUTHORIZATIONS), values(model::KEYS), values(model::KEYS), any::<bool>())
        .prop_map(|(authorization, key, other_key, sidecar)| Call {
            authorization,
            key,
            other_key,
            sidecar,
        })
}

fn headers(call: &Call) -> http::HeaderMap {
    let mut headers = http::HeaderMap::new();
    for (name, values) in [
        ("authorization", &call.authorization),
        ("x-api-key", &call.key),
        ("x-other-key", &call.other_key),
    ] {
        for value in values {
            headers.append(name, http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
    }
    headers
}

fn outcome(answer: Result<String, Status>) -> Outcome {
    match answer {
        Ok(identity) => Outcome::Admitted(identity),
        Err(status) => {
            let expected_code =
                if reason(&status).contains("SCOPE") || reason(&status) == "PERMISSION_DENIED" {
                    Code::PermissionDenied
                } else {
                    Code::Unauthenticated
                };
            assert_eq!(status.code(), expected_code, "{status:?}");
            Outcome::Rejected(reason(&status))
        }
    }
}

/// Calls the handler directly, so that the handler check alone decides.
fn handler_check_outcome(service: &Policies, method: &'static str, call: &Call) -> Outcome {
    let metadata = MetadataMap::from_headers(headers(call));
    let mut request = Request::from_parts(metadata, Default::default(), Note::default());
    if call.sidecar {
        request.extensions_mut().insert(Sidecar);
    }
    outcome(
        RUNTIME.block_on(call_method(service, method, request)).map(|note| note.into_inner().text),
    )
}

/// Sends the call through the guard and, if it is admitted, to the handler check.
fn guarded_outcome<M>(service: &Arc<Policies>, method: &str, call: &Call) -> Outcome
where
    Policies: Guarded<M, PoliciesServer<Policies>>,
    M: 'static,
{
    let mut guarded = guard_arc(Arc::clone(service), PoliciesServer::from_arc);
    // An empty message: not compressed, zero bytes.
    let body = http_body_util::Full::new(bytes::Bytes::from_static(&[0, 0, 0, 0, 0]));
    let mut request = http::Request::post(format!("http://x/guard.test.v1.Policies/{method}"))
        .body(tonic::body::Body::new(body))
        .unwrap();
    *request.headers_mut() = headers(call);
    request.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
    if call.sidecar {
        request.extensions_mut().insert(Sidecar);
    }
    let answer = RUNTIME.block_on(async {
        let response = guarded.call(request).await.unwrap();
        if let Some(status) = Status::from_header_map(response.headers()) {
            return Err(status);
        }
        let collected = response.into_body().collect().await.unwrap();
        let trailers = collected.trailers().cloned().unwrap_or_default();
        match Status::from_header_map(&trailers) {
            Some(status) if status.code() == Code::Ok => {
                let message = collected.to_bytes().slice(5..);
                Ok(<Note as prost::Message>::decode(message).unwrap().text)
            }
            status => Err(status.unwrap_or_else(|| Status::unknown("no status"))),
        }
    });
    outcome(answer)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn guard_and_handler_check_decide_as_the_model(method in 0..METHODS.len(), call in calls()) {
        let (name, policy) = &METHODS[method];
        let service = Arc::new(Policies::default());
        let expected = model::decide(policy, &call);
        prop_assert_eq!(&handler_check_outcome(&service, name, &call), &expected, "the handler check of {} on {:?}", name, call);
        prop_assert_eq!(&guarded_outcome(&service, name, &call), &expected, "the guard of {} on {:?}", name, call);
    }
}

/// The random calls must reach every outcome, or agreement with the model would prove little.
#[test]
fn random_calls_reach_every_outcome_of_the_model() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};

    let mut runner = TestRunner::deterministic();
    let mut outcomes = std::collections::BTreeSet::new();
    for _ in 0..4_000 {
        let call = calls().new_tree(&mut runner).unwrap().current();
        for (_, policy) in METHODS {
            outcomes.insert(match model::decide(policy, &call) {
                Outcome::Admitted(_) => "ADMITTED".to_owned(),
                Outcome::Rejected(reason) => reason,
            });
        }
    }
    let expected = [
        "ACCESS_TOKEN_EXPIRED",
        "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
        "ADMITTED",
        "API_KEY_INVALID",
        "CREDENTIALS_INVALID",
        "CREDENTIALS_MALFORMED",
        "CREDENTIALS_MISSING",
        "CREDENTIAL_TYPE_UNSUPPORTED",
        "OVERLOADED_CREDENTIALS",
        "PERMISSION_DENIED",
    ];
    assert_eq!(outcomes.iter().map(String::as_str).collect::<Vec<_>>(), expected);
}
