//! Calls over loopback, 64 in flight: shows whether the check is measurable.

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
use tonic_guard_bench::{
    heap::keep_the_heap,
    quantile::{median, quartiles_of_ratios},
    results::record,
};

const IN_FLIGHT: usize = 64;
const CALLS: usize = 2_000;
const ROUNDS: usize = 120;

/// Calls per second, in rounds of slices: two without authentication and one with a guard and
/// handler checks, in turn.
pub fn table() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure())
}

async fn measure() -> Result<(), Box<dyn Error>> {
    keep_the_heap();
    let guarded = guard(Attributed { tokens: Tokens }, EchoServer::from_arc);
    let open = || Server::builder().add_service(EchoServer::new(Open));
    // Two slices without authentication: their difference is the error of the measurement.
    let mut variants = [
        (0, serve(open()).await?, Vec::new()),
        (1, serve(open()).await?, Vec::new()),
        (2, serve(Server::builder().add_service(guarded)).await?, Vec::new()),
    ];
    for (_, channel, _) in &variants {
        slice(channel).await?;
    }
    for round in 0..ROUNDS {
        // The order changes, so that other load on the machine favours none.
        variants.rotate_left(1);
        if round % 2 == 1 {
            variants.reverse();
        }
        for (_, channel, rates) in &mut variants {
            rates.push(slice(channel).await?);
        }
    }
    variants.sort_by_key(|(which, ..)| *which);
    let [without, again, with] = variants.map(|(_, _, rates)| rates);
    let mut rows = vec![row([
        "loopback, 64 calls in flight",
        "calls a second",
        "of no auth",
        "half of the rounds",
    ])];
    for (name, rates) in [("no auth, second server", again), ("guard and handler check", with)] {
        let [low, middle, high] = quartiles_of_ratios(&rates, &without);
        record(name, "calls per second", median(&mut rates.clone()));
        record(name, "of no auth", middle);
        rows.push(row([
            name.to_owned(),
            format!("{:.0}", median(&mut rates.clone())),
            format!("{middle:.3}"),
            format!("{low:.3} to {high:.3}"),
        ]));
    }
    print(&format!("Over loopback, medians of {ROUNDS} rounds of {CALLS} calls each"), &rows);
    Ok(())
}

async fn serve(router: Router) -> Result<Channel, Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let addr = listener.local_addr()?;
    // As in `Server::serve`.
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
