//! Serves the shop with health and reflection, for gRPC clients and for browsers.
//!
//! Browsers use grpc-web, over HTTP/1.1 if there is no TLS. The layers for grpc-web and CORS must be
//! outside the guards: a browser sends its preflight request (OPTIONS) without credentials, and a page can
//! read a rejection only if it has the CORS headers.
//!
//! `cargo run -p tonic-guard-examples --bin serve -- --addr 127.0.0.1:50051`

use std::{error::Error, net::SocketAddr, process::ExitCode};

use http::{
    HeaderName, Method,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::Server;
use tonic_guard::{GuardedRoutes, guard};
use tonic_guard_examples::{
    Shop,
    pb::{DESCRIPTORS, orders_server::OrdersServer},
};
use tonic_web::GrpcWebLayer;
use tower_http::cors::{AllowHeaders, Any, CorsLayer};

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let addr = match addr(std::env::args().skip(1)) {
        Ok(addr) => addr,
        Err(error) => {
            eprintln!("{error}\nusage: serve [--addr 127.0.0.1:PORT]");
            return Ok(ExitCode::from(2));
        }
    };

    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_serving::<OrdersServer<Shop>>().await;
    let reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(DESCRIPTORS)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
        .build_v1()?;
    let routes = GuardedRoutes::new()
        .guarded(guard(Shop::demo(), OrdersServer::from_arc))
        .open(health, "load balancers have no credentials")
        .open(reflection, "the API description is public");
    eprintln!("{}", routes.policy());

    // From here on the port is open: an early call waits until the server runs.
    let listener = TcpListener::bind(addr).await?;
    println!("listening on {}", listener.local_addr()?);
    let incoming = TcpListenerStream::new(listener);
    let server = Server::builder()
        .accept_http1(true)
        // The first layer is the outermost.
        .layer(cors())
        .layer(GrpcWebLayer::new())
        .add_routes(routes.into());
    tokio::select! {
        // Polled first, so that the signal handler is installed before the first call.
        biased;
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        served = server.serve_with_incoming(incoming) => served?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Allows pages of any origin.
///
/// This is safe because the page itself adds the credentials. With cookies it would be unsafe, because the
/// browser adds them to the calls of any page.
fn cors() -> CorsLayer {
    let header = HeaderName::from_static;
    let request = ["x-api-key", "x-grpc-web", "x-user-agent", "grpc-timeout"].map(header);
    // Without these a page can't find out why its call has failed.
    let response =
        ["grpc-status", "grpc-message", "grpc-status-details-bin", "www-authenticate"].map(header);
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::POST])
        .allow_headers(AllowHeaders::list([AUTHORIZATION, CONTENT_TYPE].into_iter().chain(request)))
        .expose_headers(response)
}

/// Parses the address to listen on, which must be loopback because the demo's credentials are public.
fn addr(mut args: impl Iterator<Item = String>) -> Result<SocketAddr, String> {
    let Some(flag) = args.next() else {
        return Ok(SocketAddr::from(([127, 0, 0, 1], 50051)));
    };
    if flag != "--addr" {
        return Err(format!("unknown argument: {flag}"));
    }
    let value = args.next().ok_or("--addr requires an address")?;
    let addr: SocketAddr = value.parse().map_err(|_| format!("not an address: {value}"))?;
    if !addr.ip().is_loopback() {
        return Err(format!("not a loopback address: {value}"));
    }
    match args.next() {
        Some(extra) => Err(format!("unknown argument: {extra}")),
        None => Ok(addr),
    }
}
