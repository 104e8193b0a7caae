//! Callers in other languages that call a guarded server, directly and through a proxy.
//!
//! The server is the example `serve`. The clients are installed below the target directory, in the
//! versions of `node/package-lock.json` and `python/requirements.txt`.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy knows tests by their attribute, and not the functions beside them"
)]

mod calls;
mod client;
mod install;
mod proxy;
mod serve;

use calls::{Client, Way, calls};

/// Makes every call and compares its outcome with the expected ones.
async fn assert_outcomes(client: Client, way: Way) {
    let serve = serve::start().await;
    let proxy = proxy::start(way, serve.addr).await;
    let address = proxy.as_ref().map_or(serve.addr, |proxy| proxy.addr);
    let calls = calls(client, way);
    let seen = client::make(client, address, &calls).await;
    let mut mistakes = Vec::new();
    for (at, call) in calls.iter().enumerate() {
        let came = seen.lines.get(at);
        if !came.is_some_and(|came| call.ends_with(came)) {
            let came = came.map_or("nothing".to_owned(), ToString::to_string);
            let Some(expected) = call.expected.first() else { panic!("{}: no end", call.name) };
            mistakes.push(format!("{}\n  expected: {expected}\n  came:     {came}", call.name));
        }
    }
    assert!(
        mistakes.is_empty() && seen.lines.len() == calls.len(),
        "{client:?}, {way:?}: {} of {} calls differ, {} lines came\n{}\n{}\nthe proxy's log:\n{}",
        mistakes.len(),
        calls.len(),
        seen.lines.len(),
        mistakes.join("\n"),
        seen.how_it_ended,
        proxy.map_or_else(String::new, |proxy| proxy.log()),
    );
}

mod directly {
    use super::{Client, Way, assert_outcomes};

    #[tokio::test]
    async fn grpc_js_reads_every_rejection() {
        assert_outcomes(Client::GrpcJs, Way::Directly).await;
    }

    #[tokio::test]
    async fn grpcio_reads_every_rejection() {
        assert_outcomes(Client::Grpcio, Way::Directly).await;
    }

    #[tokio::test]
    async fn connect_reads_every_rejection() {
        assert_outcomes(Client::Connect, Way::Directly).await;
    }

    #[tokio::test]
    async fn grpc_web_reads_every_rejection_over_http2() {
        assert_outcomes(Client::WebOverHttp2, Way::Directly).await;
    }

    #[tokio::test]
    async fn grpc_web_reads_every_rejection_over_http1() {
        assert_outcomes(Client::WebOverHttp1, Way::Directly).await;
    }
}

mod through_nginx {
    use super::{Client, Way, assert_outcomes};

    #[tokio::test]
    async fn grpc_js_reads_every_rejection() {
        assert_outcomes(Client::GrpcJs, Way::Nginx).await;
    }

    #[tokio::test]
    async fn grpcio_reads_every_rejection() {
        assert_outcomes(Client::Grpcio, Way::Nginx).await;
    }

    #[tokio::test]
    async fn connect_reads_every_rejection() {
        assert_outcomes(Client::Connect, Way::Nginx).await;
    }
}

mod through_haproxy {
    use super::{Client, Way, assert_outcomes};

    #[tokio::test]
    async fn grpc_js_reads_every_rejection() {
        assert_outcomes(Client::GrpcJs, Way::Haproxy).await;
    }

    #[tokio::test]
    async fn grpcio_reads_the_rejections_of_complete_requests() {
        assert_outcomes(Client::Grpcio, Way::Haproxy).await;
    }

    #[tokio::test]
    async fn connect_reads_every_rejection() {
        assert_outcomes(Client::Connect, Way::Haproxy).await;
    }
}
