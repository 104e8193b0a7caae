//! An admitted call through the generated server, in process.

use std::{collections::HashMap, convert::Infallible, error::Error, path::PathBuf, time::Instant};

use bytes::Bytes;
use http::{Request, Response};
use tonic::body::Body;
use tower_service::Service;

use crate::{
    call::Call,
    table::{grouped, print, row},
    valgrind::Calls,
    variant::{Variant, Visit},
};
use tonic_guard_bench::{quantile::median, results::record};

const SIZE: usize = 100;
const ROUNDS: usize = 40;
const CALLS: u32 = 2_000;

/// Instructions, allocations and time per call.
pub fn table() -> Result<(), Box<dyn Error>> {
    let times = times()?;
    let request = Calls { word: "request", size: SIZE, good: true };
    let request = (request.instructions()?, request.allocated()?.1);
    let mut rows = vec![row([
        "100 B, admitted",
        "instructions",
        "over no auth",
        "of by hand",
        "allocations",
        "ns",
        "of no auth",
    ])];
    let mut counted = HashMap::new();
    for variant in Variant::ALL {
        let calls = Calls { word: variant.word(), size: SIZE, good: true };
        let instructions = calls.instructions()?.saturating_sub(request.0);
        let (_, blocks) = calls.allocated()?;
        counted.insert(variant.word(), (instructions, blocks.saturating_sub(request.1)));
    }
    let of = |variant: Variant| counted.get(variant.word()).copied().unwrap_or_default();
    for (variant, time) in Variant::ALL.into_iter().zip(&times) {
        let (instructions, blocks) = of(variant);
        let name = variant.name();
        record(name, "instructions", instructions as f64);
        record(name, "instructions over no auth", instructions as f64 - of(Variant::Open).0 as f64);
        record(name, "allocations", blocks as f64);
        record(name, "nanoseconds", time.0);
        rows.push(row([
            variant.name().to_owned(),
            grouped(instructions),
            format!("+{}", grouped(instructions.saturating_sub(of(Variant::Open).0))),
            format!("{:.3}", instructions as f64 / of(Variant::ByHand).0 as f64),
            blocks.to_string(),
            format!("{:.0}", time.0),
            format!("{:.2}", time.1),
        ]));
    }
    print("One call in process, through the generated server", &rows);
    println!("\nWithout making the request, which is {} instructions.", grouped(request.0));
    Ok(())
}

/// Nanoseconds per call, and the ratio to no authentication: medians of rounds in which all
/// variants take turns.
fn times() -> Result<Vec<(f64, f64)>, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let call = Call::new(SIZE, true);
    let mut rounds: Vec<Vec<f64>> = Vec::new();
    for _ in 0..ROUNDS {
        let each = Variant::ALL.into_iter();
        rounds.push(each.map(|v| v.visit(Time { call: &call, runtime: &runtime })).collect());
    }
    let column = |at: usize, of: &dyn Fn(f64, f64) -> f64| {
        let values = rounds.iter().filter_map(|round| Some(of(*round.get(at)?, *round.first()?)));
        median(&mut values.collect::<Vec<_>>())
    };
    let columns = 0..Variant::ALL.len();
    Ok(columns
        .map(|at| (column(at, &|time, _| time), column(at, &|time, open| time / open)))
        .collect())
}

struct Time<'a> {
    call: &'a Call,
    runtime: &'a tokio::runtime::Runtime,
}

impl Visit for Time<'_> {
    type Output = f64;

    fn server<S, R>(self, mut server: S) -> f64
    where
        S: Service<Request<Body>, Response = Response<R>, Error = Infallible>,
        R: http_body::Body<Data = Bytes>,
    {
        self.runtime.block_on(async {
            let start = Instant::now();
            for _ in 0..CALLS {
                std::hint::black_box(self.call.send(&mut server).await);
            }
            start.elapsed().as_nanos() as f64 / f64::from(CALLS)
        })
    }
}

/// The instructions beyond no authentication, by function.
pub fn breakdown() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/bench");
    std::fs::create_dir_all(&out)?;
    let of =
        |variant: Variant| Calls { word: variant.word(), size: SIZE, good: true }.by_function(&out);
    let open = of(Variant::Open)?;
    for variant in [Variant::ByHand, Variant::HandlerCheck, Variant::Guard, Variant::Validate] {
        let mut over: Vec<(String, f64)> = of(variant)?.into_iter().collect();
        for (name, cost) in &mut over {
            *cost -= open.get(name).copied().unwrap_or(0.0);
        }
        let missing = open.iter().filter(|(name, _)| !over.iter().any(|(other, _)| other == *name));
        let missing: Vec<_> = missing.map(|(name, cost)| (name.clone(), -cost)).collect();
        over.extend(missing);
        over.retain(|(_, cost)| cost.abs() >= 10.0);
        over.sort_by(|(_, left), (_, right)| right.total_cmp(left));
        let total: f64 = over.iter().map(|(_, cost)| cost).sum();
        for (function, cost) in &over {
            record(&format!("{}: {function}", variant.name()), "instructions over no auth", *cost);
        }
        let mut rows = vec![row(["function, without what it calls", "over no auth"])];
        rows.extend(over.into_iter().map(|(name, cost)| row([name, format!("{cost:+.0}")])));
        rows.push(row(["together".to_owned(), format!("{total:+.0}")]));
        print(&format!("Where they go: {}", variant.name()), &rows);
    }
    Ok(())
}
