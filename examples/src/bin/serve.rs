//! The shop as a server of its own, beside health and reflection, for programs and for browsers.
//!
//! Browsers speak grpc-web, over HTTP/1.1 where there is no TLS. What translates it and what answers
//! CORS stand outside the guards: a browser asks with OPTIONS and without credentials whether it may
//! call at all, and a refusal must come with the headers that let a page read it.
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
        Err(mistake) => {
            eprintln!("{mistake}\nusage: serve [--addr 127.0.0.1:PORT]");
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
        .open(health, "load balancers ask without credentials")
        .open(reflection, "the API is public, its data is not");
    eprintln!("{}", routes.policy());

    // The port is open from here on: a call that comes before the server runs waits for it.
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
        // First, so that ctrl-c is heard before any call is.
        biased;
        interrupted = tokio::signal::ctrl_c() => interrupted?,
        ended = server.serve_with_incoming(incoming) => ended?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Pages of any origin may call: what lets a call in are the credentials that the page itself adds, and
/// no cookie, which the browser would add to the calls of any page.
fn cors() -> CorsLayer {
    let named = HeaderName::from_static;
    let sent = ["x-api-key", "x-grpc-web", "x-user-agent", "grpc-timeout"].map(named);
    // Without these a page sees that its call has failed, and not why.
    let read =
        ["grpc-status", "grpc-message", "grpc-status-details-bin", "www-authenticate"].map(named);
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::POST])
        .allow_headers(AllowHeaders::list([AUTHORIZATION, CONTENT_TYPE].into_iter().chain(sent)))
        .expose_headers(read)
}

/// Where to listen. Only on this machine: everyone can read the demo's credentials.
fn addr(mut args: impl Iterator<Item = String>) -> Result<SocketAddr, String> {
    let Some(flag) = args.next() else {
        return Ok(SocketAddr::from(([127, 0, 0, 1], 50051)));
    };
    if flag != "--addr" {
        return Err(format!("unknown argument: {flag}"));
    }
    let value = args.next().ok_or("--addr needs an address")?;
    let addr: SocketAddr = value.parse().map_err(|_| format!("not an address: {value}"))?;
    if !addr.ip().is_loopback() {
        return Err(format!("not a loopback address: {value}"));
    }
    match args.next() {
        Some(extra) => Err(format!("unknown argument: {extra}")),
        None => Ok(addr),
    }
}
