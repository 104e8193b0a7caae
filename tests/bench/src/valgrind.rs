//! Counts with valgrind, under which the program runs itself.
//!
//! Instructions and bytes don't depend on other load on the machine. Each figure is the difference
//! of two runs, so that it excludes the start of the program.

use std::{
    collections::HashMap,
    env,
    error::Error,
    path::Path,
    process::{Command, Stdio},
};

/// The size from which a call is large, so that few of them are enough.
const LARGE: usize = 64 << 10;

/// Instructions per call of this program with `args`, to which the number of calls is added: the difference of a
/// run with `few` and one with `many`.
pub fn instructions(args: &[&str], few: usize, many: usize) -> Result<u64, Box<dyn Error>> {
    let count = |calls: usize| -> Result<u64, Box<dyn Error>> {
        let tool = ["--tool=callgrind", "--callgrind-out-file=/dev/null"];
        Ok(number_after(&run(&tool, args, calls)?, "Collected :")?)
    };
    Ok(count(many)?.saturating_sub(count(few)?) / (many - few) as u64)
}

/// Runs this program under a tool of valgrind, and returns the report of the tool.
fn run(tool: &[&str], args: &[&str], count: usize) -> Result<String, Box<dyn Error>> {
    let output = Command::new("valgrind")
        .args(tool)
        .arg(env::current_exe()?)
        .args(args)
        .arg(count.to_string())
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("valgrind doesn't run: {error}"))?;
    let report = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(report) } else { Err(report.into()) }
}

/// The measured calls.
#[derive(Clone, Copy, Debug)]
pub struct Calls<'a> {
    /// A variant's word, or `request` for the request alone.
    pub word: &'a str,
    pub size: usize,
    pub good: bool,
}

impl Calls<'_> {
    fn run(self, count: usize, tool: &[&str]) -> Result<String, Box<dyn Error>> {
        let credentials = if self.good { "good" } else { "bad" };
        run(tool, &["calls", self.word, &self.size.to_string(), credentials], count)
    }

    /// The numbers of calls of the two runs.
    fn counts(self) -> (usize, usize) {
        if self.size >= LARGE { (10, 30) } else { (100, 1_100) }
    }

    fn per_call(self, few: u64, many: u64) -> u64 {
        let counts = self.counts();
        many.saturating_sub(few) / (counts.1 - counts.0) as u64
    }

    /// Instructions per call.
    pub fn instructions(self) -> Result<u64, Box<dyn Error>> {
        let credentials = if self.good { "good" } else { "bad" };
        let (few, many) = self.counts();
        instructions(&["calls", self.word, &self.size.to_string(), credentials], few, many)
    }

    /// Bytes and blocks allocated per call.
    pub fn allocated(self) -> Result<(u64, u64), Box<dyn Error>> {
        let tool = ["--tool=dhat", "--dhat-out-file=/dev/null"];
        let (few, many) = self.counts();
        let (few, many) = (self.run(few, &tool)?, self.run(many, &tool)?);
        let bytes = |output: &str| number_after(output, "Total:");
        let blocks = |output: &str| number_after(output, "bytes in");
        Ok((
            self.per_call(bytes(&few)?, bytes(&many)?),
            self.per_call(blocks(&few)?, blocks(&many)?),
        ))
    }

    /// Instructions per call of each function, without its callees.
    pub fn by_function(self, out: &Path) -> Result<HashMap<String, f64>, Box<dyn Error>> {
        let file = out.join(format!("callgrind.{}", self.word));
        let to_file = format!("--callgrind-out-file={}", file.display());
        let mut functions = HashMap::new();
        let (few, many) = self.counts();
        for (count, sign) in [(many, 1.0), (few, -1.0)] {
            self.run(count, &["--tool=callgrind", &to_file])?;
            for (function, cost) in self_costs(&std::fs::read_to_string(&file)?) {
                *functions.entry(short(&function)).or_default() +=
                    sign * cost as f64 / (many - few) as f64;
            }
        }
        Ok(functions)
    }
}

/// The number after `label`, which may contain commas.
fn number_after(output: &str, label: &str) -> Result<u64, String> {
    let rest = output.split_once(label).map(|(_, rest)| rest);
    let digits = rest.map(|rest| {
        let number = rest.trim_start().chars().take_while(|c| c.is_ascii_digit() || *c == ',');
        number.filter(char::is_ascii_digit).collect::<String>()
    });
    let number = digits.and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| format!("valgrind reports no `{label}`: {output}"))
}

/// A function's name without the parts that differ between the variants (the service's type, and
/// the name of a compiled drop), so that their costs can be compared.
fn short(function: &str) -> String {
    if function.contains("drop_in_place") {
        return "core::ptr::drop_in_place".to_owned();
    }
    let mut short = function.replace("tonic_guard_bench::", "");
    for service in ["Open", "ByHand", "Attributed", "Extended"] {
        short = short.replace(&format!("service::{service}"), "service::_");
    }
    match short.char_indices().nth(100) {
        Some((end, _)) => format!("{}..", short.split_at(end).0),
        None => short,
    }
}

/// Reads callgrind's file. A cost line belongs to the function before it, except the one after each
/// `calls=`, which is the cost of the called function.
fn self_costs(file: &str) -> HashMap<String, u64> {
    let mut names: HashMap<&str, &str> = HashMap::new();
    let mut costs = HashMap::new();
    let mut current = "";
    let mut skip = false;
    for line in file.lines() {
        if let Some(named) = line.strip_prefix("fn=").or_else(|| line.strip_prefix("cfn=")) {
            let (id, name) = named.split_once(' ').unwrap_or((named, ""));
            if !name.is_empty() {
                names.insert(id, name);
            }
            if line.starts_with("fn=") {
                current = names.get(id).copied().unwrap_or_default();
            }
        } else if line.starts_with("calls=") {
            skip = true;
        } else if line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) {
            let cost = line.split(' ').nth(1).and_then(|cost| cost.parse::<u64>().ok());
            if !std::mem::take(&mut skip) {
                *costs.entry(current.to_owned()).or_default() += cost.unwrap_or(0);
            }
        }
    }
    costs
}
