//! The cost of call credentials, side by side: a plain channel, a channel with tonic's
//! `Interceptor` that attaches a fixed token, and this crate's credentials with a fixed token and
//! with one from a token endpoint.
//!
//! `cargo run --release -p tonic-guard-bench --bin call_credentials` prints calls per second; with
//! the argument `instructions`, it prints instructions and allocations per call, counted by
//! valgrind.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a program that measures"
)]

use std::{env, process::Command};

use serde_json::json;
use tokio::task::JoinSet;
use tonic::{
    Request, Response, Status, Streaming,
    metadata::AsciiMetadataValue,
    service::Interceptor,
    service::interceptor::InterceptedService,
    transport::{Channel, Server},
};
use tonic_guard::{
    client::{CallCredentials, CallCredentialsService, Token, oauth::ClientCredentials},
    http_client::HttpClient,
};
use tonic_guard_bench::{
    clock::thread_time,
    heap::keep_the_heap,
    quantile::{median, quartiles_of_ratios},
    results::{self, record},
};
use tonic_guard_suite_support::provider::{Provider, Reply};
use tonic_guard_suite_support::{
    Running,
    pb::{
        Note,
        kinds_client::KindsClient,
        kinds_server::{Kinds, KindsServer},
    },
};
use tower_layer::Layer;

/// The length of a typical JWT access token.
const TOKEN_LEN: usize = 800;
const VARIANTS: [&str; 5] = [
    "bare channel",
    "Interceptor, fixed token",
    "Interceptor, fixed token, sensitive",
    "call credentials, fixed token",
    "call credentials, OAuth token",
];
/// The baseline: the interceptor whose header is marked sensitive, as the layers' headers are.
const BASELINE: usize = 2;
const ROUNDS: usize = 200;
/// The bytes of a message, the calls in flight, and the calls of each per slice.
const LOADS: [(usize, u32, u32); 3] = [(100, 1, 200), (100, 64, 5), (64 * 1024, 1, 40)];

/// Answers every call at once.
struct Open;

type Notes = tokio_stream::Empty<Result<Note, Status>>;

#[tonic::async_trait]
impl Kinds for Open {
    async fn unary(&self, _: Request<Note>) -> Result<Response<Note>, Status> {
        Ok(Response::new(Note::default()))
    }

    type DownStream = Notes;

    async fn down(&self, _: Request<Note>) -> Result<Response<Notes>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn up(&self, _: Request<Streaming<Note>>) -> Result<Response<Note>, Status> {
        Err(Status::unimplemented(""))
    }

    type BothStream = Notes;

    async fn both(&self, _: Request<Streaming<Note>>) -> Result<Response<Notes>, Status> {
        Err(Status::unimplemented(""))
    }
}

/// The usual hand-written interceptor.
#[derive(Clone)]
struct Attach(AsciiMetadataValue);

impl Interceptor for Attach {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

#[derive(Clone)]
enum Caller {
    Bare(KindsClient<Channel>),
    Intercepted(KindsClient<InterceptedService<Channel, Attach>>),
    Credentialed(KindsClient<CallCredentialsService<Channel>>),
}

impl Caller {
    /// All callers share one channel, because connections differ slightly in speed.
    fn new(variant: usize, channel: &Channel, provider: &Provider) -> Self {
        let token = "t".repeat(TOKEN_LEN);
        let intercepted = |sensitive| {
            let mut value: AsciiMetadataValue = format!("Bearer {token}").parse().unwrap();
            value.set_sensitive(sensitive);
            KindsClient::with_interceptor(channel.clone(), Attach(value))
        };
        let credentialed = |credentials: CallCredentials| {
            KindsClient::new(credentials.dangerously_layer().layer(channel.clone()))
        };
        match variant {
            0 => Caller::Bare(KindsClient::new(channel.clone())),
            1 => Caller::Intercepted(intercepted(false)),
            2 => Caller::Intercepted(intercepted(true)),
            3 => Caller::Credentialed(credentialed(CallCredentials::bearer(Token::new(token)))),
            _ => {
                let answer = json!({
                    "access_token": token, "token_type": "Bearer", "expires_in": 3600,
                });
                provider.reply("/token", Reply::Json(answer.to_string()));
                let http = HttpClient::builder().allow_http_on_loopback().build().unwrap();
                let url = provider.url("/token");
                let source = ClientCredentials::new(http, &url, "orders", "s3cret").unwrap();
                Caller::Credentialed(credentialed(CallCredentials::bearer(source)))
            }
        }
    }

    async fn call(&mut self, message: &Note) {
        let message = message.clone();
        match self {
            Caller::Bare(client) => client.unary(message).await,
            Caller::Intercepted(client) => client.unary(message).await,
            Caller::Credentialed(client) => client.unary(message).await,
        }
        .expect("the server answers");
    }
}

fn message(bytes: usize) -> Note {
    Note { text: String::new(), payload: vec![7; bytes] }
}

async fn start() -> (Running, Provider) {
    keep_the_heap();
    let server = Server::builder().add_service(KindsServer::new(Open));
    (Running::start(server).await, Provider::start().await)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let json = results::json_argument(&mut arguments).unwrap();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [] => calls_per_second().await,
        ["instructions"] => instructions(),
        ["once", variant, size, calls] => {
            let [variant, size, calls] = [variant, size, calls].map(|text| text.parse().unwrap());
            once(variant, size, calls).await;
        }
        _ => panic!("usage: call_credentials [instructions] [--json FILE]"),
    }
    results::write(json).expect("the file can be written");
}

/// Makes this many calls of one variant, for valgrind to count.
async fn once(variant: usize, size: usize, calls: usize) {
    let (running, provider) = start().await;
    let mut caller = Caller::new(variant, &running.channel().await, &provider);
    let message = message(size);
    for _ in 0..calls {
        caller.call(&message).await;
    }
}

/// Slices of all variants take turns, in another order each round, so that other load on the
/// machine affects all of them alike. Client and server share one thread, and its processor time
/// counts, because a busy machine stretches the wall time.
async fn calls_per_second() {
    let (running, provider) = start().await;
    let channel = running.channel().await;
    let mut callers = Vec::new();
    for variant in 0..VARIANTS.len() {
        let mut caller = Caller::new(variant, &channel, &provider);
        caller.call(&message(1)).await;
        callers.push(caller);
    }
    let mut state = 7_u64;
    for (size, in_flight, each) in LOADS {
        let calls = in_flight * each;
        let message = message(size);
        let mut rates = vec![Vec::new(); VARIANTS.len()];
        for _ in 0..ROUNDS {
            for variant in shuffled(&mut state) {
                let begin = thread_time();
                slice(&mut callers[variant], &message, in_flight, each).await;
                let took = thread_time() - begin;
                rates[variant].push(f64::from(calls) / took.as_secs_f64());
            }
        }
        println!("\nmessages of {size} bytes, {in_flight} in flight, {ROUNDS} slices of {calls}");
        println!("{:38} {:>10}  {:>22}", "", "calls/s", "against the baseline");
        for (variant, name) in VARIANTS.iter().enumerate() {
            let [low, middle, high] = quartiles_of_ratios(&rates[variant], &rates[BASELINE]);
            let rate = median(&mut rates[variant].clone());
            let case = format!("{name}, {size} bytes, {in_flight} in flight");
            record(&case, "calls per second", rate);
            record(&case, "of the baseline", middle);
            let mark = if variant == BASELINE { "  (baseline)" } else { "" };
            println!("{name:38} {rate:>10.0}  {middle:.3} [{low:.3}, {high:.3}]{mark}");
        }
    }
}

async fn slice(caller: &mut Caller, message: &Note, in_flight: u32, each: u32) {
    if in_flight == 1 {
        for _ in 0..each {
            caller.call(message).await;
        }
        return;
    }
    let mut tasks = JoinSet::new();
    for _ in 0..in_flight {
        let (mut caller, message) = (caller.clone(), message.clone());
        tasks.spawn(async move {
            for _ in 0..each {
                caller.call(&message).await;
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("the calls are answered");
    }
}

/// The variants in a random order.
fn shuffled(state: &mut u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..VARIANTS.len()).collect();
    for last in (1..order.len()).rev() {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        order.swap(last, (*state >> 33) as usize % (last + 1));
    }
    order
}

/// The difference between a run of few calls and a run of many is the cost of the calls: client and
/// server together, because they share a process.
fn instructions() {
    println!(
        "{:38} {:>8} {:>14} {:>12} {:>16}",
        "", "bytes", "instructions", "allocations", "bytes allocated"
    );
    for size in [100, 64 * 1024] {
        let (few, many) = (200, 1200);
        for (variant, name) in VARIANTS.iter().enumerate() {
            let per_call = |count: fn(usize, usize, usize) -> [f64; 2]| {
                let (before, after) = (count(variant, size, few), count(variant, size, many));
                [0, 1].map(|what| (after[what] - before[what]) / (many - few) as f64)
            };
            let [instructions, _] = per_call(count_instructions);
            let [bytes, blocks] = per_call(count_allocations);
            let case = format!("{name}, {size} bytes");
            record(&case, "instructions", instructions);
            record(&case, "allocations", blocks);
            record(&case, "bytes allocated", bytes);
            println!("{name:38} {size:>8} {instructions:>14.0} {blocks:>12.1} {bytes:>16.0}");
        }
    }
}

/// `Collected : N`
fn count_instructions(variant: usize, size: usize, calls: usize) -> [f64; 2] {
    let output = valgrind("callgrind", "--callgrind-out-file=/dev/null", variant, size, calls);
    let line = output.lines().find(|line| line.contains("Collected :")).expect("callgrind counts");
    [numbers(line)[0], 0.0]
}

/// `Total: N bytes in M blocks`
fn count_allocations(variant: usize, size: usize, calls: usize) -> [f64; 2] {
    let output = valgrind("dhat", "--dhat-out-file=/dev/null", variant, size, calls);
    let line = output.lines().find(|line| line.contains("Total:")).expect("dhat counts");
    let numbers = numbers(line);
    [numbers[0], numbers[1]]
}

/// The numbers behind `==PID==`.
fn numbers(line: &str) -> Vec<f64> {
    let numbers = line.rsplit("==").next().unwrap_or_default().replace(',', "");
    numbers.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

fn valgrind(tool: &str, out: &str, variant: usize, size: usize, calls: usize) -> String {
    let output = Command::new("valgrind")
        .arg(format!("--tool={tool}"))
        .arg(out)
        .arg(env::current_exe().unwrap())
        .args(["once", &variant.to_string(), &size.to_string(), &calls.to_string()])
        .output()
        .expect("valgrind is installed");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}
