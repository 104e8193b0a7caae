//! The cost of tonic-guard, side by side with the same check by hand and with its peers.
//!
//! `cargo run --release -p tonic-guard-bench` prints every table; `-- TABLE ..` prints some of them:
//! `in-process`, `where`, `refused`, `growth`, `compile`, `loopback`. `--json FILE` also writes the figures as rows of
//! name, metric and value. Counting needs valgrind.

mod by_hand;
mod call;
mod compile;
mod growth;
mod in_process;
mod loopback;
mod peers;
mod refused;
mod service;
mod table;
mod valgrind;
mod variant;

use std::error::Error;

/// The generated service.
#[allow(missing_docs, unreachable_pub, clippy::all)]
pub(crate) mod pb {
    tonic::include_proto!("guard.bench.v1");
}

const TABLES: [&str; 6] = ["in-process", "where", "refused", "growth", "compile", "loopback"];

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let mut args: Vec<&str> = args.iter().map(String::as_str).collect();
    let json = take_json(&mut args)?;
    if let ["calls", word, size, credentials, count] = args.as_slice() {
        return Ok(call::make_calls(word, size.parse()?, *credentials == "good", count.parse()?)?);
    }
    if let ["grow", word, subject, count] = args.as_slice() {
        return growth::make_calls(word, subject, count.parse()?);
    }
    if let Some(unknown) = args.iter().find(|arg| !TABLES.contains(arg)) {
        return Err(format!("no table `{unknown}`; the tables are {}", TABLES.join(", ")).into());
    }
    for table in if args.is_empty() { TABLES.to_vec() } else { args } {
        match table {
            "in-process" => in_process::table()?,
            "where" => in_process::breakdown()?,
            "refused" => refused::table()?,
            "growth" => growth::table()?,
            "compile" => compile::table()?,
            _ => loopback::table()?,
        }
    }
    if let Some(file) = json {
        table::write_json(file)?;
    }
    Ok(())
}

/// Removes `--json FILE` from the arguments.
fn take_json<'a>(args: &mut Vec<&'a str>) -> Result<Option<&'a str>, String> {
    let Some(at) = args.iter().position(|arg| *arg == "--json") else { return Ok(None) };
    if at + 1 == args.len() {
        return Err("expected a file after `--json`".to_owned());
    }
    Ok(args.drain(at..at + 2).nth(1))
}
