//! Requests that aren't gRPC, from a connection with a good certificate.

use bytes::Bytes;
use http::{HeaderValue, Method, Request};
use http_body_util::{BodyExt, Full};
use tonic::{Code, Status, body::Body};
use tower_service::Service;

use crate::support::{ByName, Ca, Checks, Client, Server, dns};

const PATH: &str = "https://localhost/guard.verifiers.v1.Mesh/Certificate";

#[tokio::test]
async fn request_that_is_not_grpc_reaches_no_handler() {
    let ca = Ca::new();
    let server = Server::start(Checks::Guard, &ca, false, ByName::verifier()).await;
    let client = Client::new(&server, &ca, Some(&ca.client([dns("acme.example")])));
    let mut connection = client.connect().await.unwrap();
    let before = server.ran();
    for (method, content_type) in [
        (Method::GET, Some("application/grpc")),
        (Method::GET, None),
        (Method::OPTIONS, Some("application/grpc")),
        (Method::OPTIONS, None),
        (Method::PUT, Some("application/grpc")),
        (Method::HEAD, Some("application/grpc")),
        (Method::POST, Some("text/plain")),
        (Method::POST, Some("application/json")),
        (Method::POST, None),
    ] {
        // An empty message, which any of these requests may carry.
        let body = Body::new(Full::new(Bytes::from_static(&[0; 5])));
        let mut request = Request::builder().method(method.clone()).uri(PATH).body(body).unwrap();
        if let Some(content_type) = content_type {
            let value = HeaderValue::from_static(content_type);
            request.headers_mut().insert("content-type", value);
        }
        std::future::poll_fn(|cx| connection.channel.poll_ready(cx)).await.unwrap();
        let (parts, body) = connection.channel.call(request).await.unwrap().into_parts();
        let status = Status::from_header_map(&parts.headers).expect("a gRPC status");
        assert_eq!(status.code(), Code::Unimplemented, "{method} {content_type:?}");
        assert!(body.collect().await.unwrap().to_bytes().is_empty());
        assert_eq!(server.ran(), before, "{method} {content_type:?} is admitted");
    }
    // The connection's certificate is still good.
    assert_eq!(connection.certificate().await, "acme.example");
    assert_eq!(server.ran(), before + 1);
}

#[tokio::test]
async fn certificate_in_a_header_is_ignored() {
    let ca = Ca::new();
    let server = Server::start(Checks::Guard, &ca, true, ByName::verifier()).await;
    let identity = ca.client([dns("acme.example")]);
    let (pem, _) = identity.pem();
    let pem = pem.replace('\n', "%0A");
    let by = format!("By=x;Hash=y;Cert=\"{pem}\";Subject=\"\";DNS=acme.example");
    let client = Client::new(&server, &ca, None);
    for name in ["x-forwarded-client-cert", "x-client-cert", "ssl-client-cert", "client-cert"] {
        for value in [&by, &pem] {
            let headers = [(name, value.as_str())];
            let outcome =
                client.call(async |mesh, request| mesh.certificate(request).await, &headers).await;
            assert_eq!(outcome, "Unauthenticated CREDENTIALS_MISSING", "{name}");
        }
    }
}
