//! Credentials in the `Debug` output of a request.

use std::sync::{Arc, Mutex};

use http::Request as HttpRequest;
use tonic::{
    Request, Response, Status, service::interceptor::InterceptedService, transport::Server,
};
use tonic_guard::{Authenticate, authenticated, guard, scheme::ApiKey};
use tonic_guard_suite_support::{
    Keys, Running, Tokens,
    pb::{
        Note,
        extra_server::{Extra, ExtraServer},
    },
};

use crate::support::{
    layers::behind,
    service::{call, says},
};

#[derive(Authenticate, Default)]
struct Logging {
    #[verifies("bearer")]
    tokens: Tokens,
    keys: Keys,
    log: Arc<Mutex<String>>,
}

#[authenticated]
#[tonic::async_trait]
impl Extra for Logging {
    #[authenticated(scheme = all_of("bearer", ApiKey::header("x-ingest-key") via self.keys))]
    async fn unary(&self, request: Request<Note>) -> Result<Response<Note>, Status> {
        self.log.lock().unwrap().push_str(&format!("{request:?} {:?}", request.metadata()));
        says("")
    }

    #[authenticated(scheme = "bearer")]
    async fn get_url(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        says("")
    }
}

#[tokio::test]
async fn log_of_the_request_holds_no_credentials() {
    let service = Logging::default();
    let log = Arc::clone(&service.log);
    let (by_a_layer, by_an_interceptor) = (Arc::clone(&log), Arc::clone(&log));
    let guard = guard(service, |service| {
        let intercepted =
            InterceptedService::new(ExtraServer::from_arc(service), move |request: Request<()>| {
                by_an_interceptor.lock().unwrap().push_str(&format!("{request:?}"));
                Ok(request)
            });
        behind(intercepted, move |request: &mut HttpRequest<_>| {
            by_a_layer.lock().unwrap().push_str(&format!("{:?} {request:?}", request.headers()));
        })
    });
    let server = Running::start(Server::builder().add_service(guard)).await;
    let headers = [
        ("authorization", "Bearer ada-token"),
        ("x-ingest-key", "key-1"),
        ("cookie", "session=c00kie"),
        ("proxy-authorization", "Bearer pr0xy"),
        ("x-harmless", "shown"),
    ];
    call(&server, &headers).await.unwrap();
    let log = log.lock().unwrap();
    assert_eq!(log.matches("\"shown\"").count(), 5, "{log}");
    assert!(log.contains("x-ingest-key"));
    for secret in ["ada-token", "key-1", "c00kie", "pr0xy"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
