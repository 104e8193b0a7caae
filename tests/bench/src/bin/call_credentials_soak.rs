//! Calls with tokens that live two seconds, from a token endpoint that fails one time in three.
//!
//! `cargo run --release -p tonic-guard-bench --bin call_credentials_soak -- --seconds 600`
//!
//! It fails if a call is lost that a retry could have saved (it was finally rejected, or it found
//! no token although the endpoint had issued one that was still valid), or if the memory has grown.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a program that measures"
)]

use std::{
    env, fs,
    process::ExitCode,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::json;
use tonic::{Status, transport::Server};
use tonic_guard::{
    client::{CallCredentials, CallError, CallErrorKind, oauth::ClientCredentials},
    guard,
    http_client::HttpClient,
};
use tonic_guard_bench::results::{self, record};
use tonic_guard_client_tests::{Client, Echo, Issuer, client};
use tonic_guard_suite_support::provider::{Provider, Reply};
use tonic_guard_suite_support::{
    Running,
    pb::{Note, kinds_server::KindsServer},
};

const LIFE: Duration = Duration::from_secs(2);
const CALLERS: usize = 16;
const PAUSE: Duration = Duration::from_millis(4);
/// The allowed growth of a process after the warm-up.
const GROWTH: u64 = 8 * 1024 * 1024;

#[derive(Default)]
struct Counts {
    answered: AtomicU64,
    /// No token, while no issued token was valid.
    out_of_tokens: AtomicU64,
    lost: AtomicU64,
}

/// The time at which the endpoint last issued a token.
type LastGood = Arc<Mutex<Instant>>;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let json = results::json_argument(&mut arguments).unwrap();
    let seconds = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => 600,
        ["--seconds", seconds] => seconds.parse().expect("a number of seconds"),
        _ => panic!("usage: call_credentials_soak [--seconds NUMBER] [--json FILE]"),
    };

    let issuer = Arc::new(Issuer::default());
    let service = guard(Echo::new(&issuer), KindsServer::from_arc);
    let running = Running::start(Server::builder().add_service(service)).await;
    let provider = Provider::start().await;
    let last_good: LastGood = Arc::new(Mutex::new(Instant::now()));
    let (good, asked) = (Arc::clone(&last_good), Arc::new(AtomicU64::new(0)));
    let failed = Arc::new(AtomicU64::new(0));
    let (requests, failures) = (Arc::clone(&asked), Arc::clone(&failed));
    let random = Mutex::new(0x9e37_79b9_7f4a_7c15_u64);
    provider.reply_by("/token", move |_| {
        requests.fetch_add(1, Ordering::Relaxed);
        let number = next(&mut random.lock().unwrap());
        if number.is_multiple_of(3) {
            failures.fetch_add(1, Ordering::Relaxed);
            return if number.is_multiple_of(2) { Reply::status(503) } else { Reply::Reset };
        }
        let token = issuer.issue_for(Some(LIFE));
        *good.lock().unwrap() = Instant::now();
        let answer = json!({
            "access_token": token, "token_type": "Bearer", "expires_in": LIFE.as_secs(),
        });
        Reply::Json(answer.to_string())
    });

    let http = HttpClient::builder().allow_http_on_loopback().build().unwrap();
    let source = ClientCredentials::new(http, &provider.url("/token"), "orders", "s3cret").unwrap();
    let client = client(running.endpoint(), &CallCredentials::bearer(source));
    let counts = Arc::new(Counts::default());
    let begin = Instant::now();
    let end = begin + Duration::from_secs(seconds);
    let callers: Vec<_> = (0..CALLERS)
        .map(|_| {
            tokio::spawn(call(client.clone(), end, Arc::clone(&counts), Arc::clone(&last_good)))
        })
        .collect();

    let warm = Duration::from_secs(seconds / 10);
    tokio::time::sleep(warm).await;
    let warm_memory = memory();
    while Instant::now() < end {
        tokio::time::sleep(Duration::from_secs(30).min(end - Instant::now())).await;
        // Otherwise the endpoint's record of its requests would grow.
        provider.clear_received();
        report(begin, &counts, &asked, &failed);
    }
    for caller in callers {
        caller.await.unwrap();
    }
    let grown = memory().saturating_sub(warm_memory);
    report(begin, &counts, &asked, &failed);
    println!("grown by {} KiB since {warm:?}", grown / 1024);
    let lost = counts.lost.load(Ordering::Relaxed);
    record("soak", "calls answered", counts.answered.load(Ordering::Relaxed) as f64);
    record("soak", "calls lost", lost as f64);
    record("soak", "bytes grown", grown as f64);
    results::write(json).expect("the file can be written");
    if lost > 0 || grown > GROWTH { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

async fn call(mut client: Client, end: Instant, counts: Arc<Counts>, last_good: LastGood) {
    while Instant::now() < end {
        match client.unary(Note { text: "a".into(), payload: vec![7; 512] }).await {
            Ok(_) => counts.answered.fetch_add(1, Ordering::Relaxed),
            Err(status) if is_out_of_tokens(&status, &last_good) => {
                counts.out_of_tokens.fetch_add(1, Ordering::Relaxed)
            }
            Err(status) => {
                println!("lost: {status:?}");
                counts.lost.fetch_add(1, Ordering::Relaxed)
            }
        };
        tokio::time::sleep(PAUSE).await;
    }
}

/// Whether every issued token has expired.
fn is_out_of_tokens(status: &Status, last_good: &LastGood) -> bool {
    let kind = CallError::of(status).map(CallError::kind);
    kind == Some(CallErrorKind::NoToken) && last_good.lock().unwrap().elapsed() + PAUSE >= LIFE
}

fn report(begin: Instant, counts: &Counts, asked: &AtomicU64, failed: &AtomicU64) {
    let [answered, out_of_tokens, lost] = [&counts.answered, &counts.out_of_tokens, &counts.lost]
        .map(|count| count.load(Ordering::Relaxed));
    println!(
        "{:>4} s: {answered} answered, {out_of_tokens} without a token, {lost} lost; the token \
         endpoint failed {} of {} times; {} KiB",
        begin.elapsed().as_secs(),
        failed.load(Ordering::Relaxed),
        asked.load(Ordering::Relaxed),
        memory() / 1024,
    );
}

/// Resident bytes, as Linux reports them.
fn memory() -> u64 {
    let told = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = told.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() * 1024
}

/// Xorshift: the same failures in each run.
fn next(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state >> 11
}
