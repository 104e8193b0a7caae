//! Calls over loopback, 64 in flight: whether the check shows at all.

use std::{error::Error, sync::Arc, time::Instant};

use tokio::{net::TcpListener, sync::Semaphore, task::JoinSet};
use tonic::{
    Request,
    transport::{
        Channel, Server,
        server::{Router, TcpIncoming},
    },
};
use tonic_guard::guard;

use crate::{
    pb::{Words, echo_client::EchoClient, echo_server::EchoServer},
    service::{Attributed, Open, TOKEN, Tokens},
    table::{print, row},
};
use tonic_guard_bench::quantile::{median, quantile};

const IN_FLIGHT: usize = 64;
const CALLS: usize = 2_000;
const PAIRS: usize = 60;

/// Calls per second: pairs of slices, one without auth and one with both doors, one after the other.
pub fn table() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure())
}

async fn measure() -> Result<(), Box<dyn Error>> {
    let open = serve(Server::builder().add_service(EchoServer::new(Open))).await?;
    let guarded = guard(Attributed { tokens: Tokens }, EchoServer::from_arc);
    let guarded = serve(Server::builder().add_service(guarded)).await?;
    for channel in [&open, &guarded] {
        slice(channel).await?;
    }
    let (mut without, mut with, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        // Which one is first changes, so that what the machine does in the meantime favours neither.
        let (a, b) = match pair % 2 {
            0 => (slice(&open).await?, slice(&guarded).await?),
            _ => {
                let guarded = slice(&guarded).await?;
                (slice(&open).await?, guarded)
            }
        };
        without.push(a);
        with.push(b);
        ratios.push(b / a);
    }
    let rows = [
        row(["loopback, 64 calls in flight", "calls a second", "of no auth", "half of the pairs"]),
        row([
            "no auth".to_owned(),
            format!("{:.0}", median(&mut without)),
            "1.000".into(),
            String::new(),
        ]),
        row([
            "tonic-guard, both doors".to_owned(),
            format!("{:.0}", median(&mut with)),
            format!("{:.3}", median(&mut ratios)),
            format!("{:.3} to {:.3}", quantile(&mut ratios, 0.25), quantile(&mut ratios, 0.75)),
        ]),
    ];
    print(&format!("Over loopback, medians of {PAIRS} pairs of {CALLS} calls"), &rows);
    Ok(())
}

async fn serve(router: Router) -> Result<Channel, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    // As `Server::serve` does it.
    tokio::spawn(router.serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true))));
    Ok(Channel::from_shared(format!("http://{addr}"))?.connect().await?)
}

/// Calls per second.
async fn slice(channel: &Channel) -> Result<f64, Box<dyn Error>> {
    let places = Arc::new(Semaphore::new(IN_FLIGHT));
    let authorization: tonic::metadata::MetadataValue<_> = format!("Bearer {TOKEN}").parse()?;
    let mut calls = JoinSet::new();
    let start = Instant::now();
    for _ in 0..CALLS {
        let place = Arc::clone(&places).acquire_owned().await?;
        let mut client = EchoClient::new(channel.clone());
        let mut request = Request::new(Words { text: vec![b'x'; 100] });
        request.metadata_mut().insert("authorization", authorization.clone());
        calls.spawn(async move {
            let answer = client.say(request).await;
            drop(place);
            answer
        });
    }
    while let Some(answer) = calls.join_next().await {
        answer??;
    }
    Ok(CALLS as f64 / start.elapsed().as_secs_f64())
}
