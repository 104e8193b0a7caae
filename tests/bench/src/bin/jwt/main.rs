//! The cost of verifying a signed token: alone, and in a call over loopback.
//!
//! `cargo run --release -p tonic-guard-bench --bin jwt`

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a failed measurement ends the program"
)]

mod alone;
mod loopback;

use tonic_guard_bench::results;

fn main() {
    // webgates enables the other backend as well, and jsonwebtoken panics unless one is chosen.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let json = results::json_argument(&mut arguments).unwrap();
    let quick = arguments.iter().any(|argument| argument == "--quick");
    alone::run(if quick { 20 } else { 500 });
    loopback::run(if quick { 10 } else { 75 });
    results::write(json).expect("the file can be written");
}
