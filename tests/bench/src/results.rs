//! The measured values as JSON: `--json FILE` of every measuring program.

use std::{error::Error, fs, path::PathBuf, sync::Mutex};

use serde_json::{Value, json};

static ROWS: Mutex<Vec<Value>> = Mutex::new(Vec::new());

/// Records one value: what was measured, what of it, and the number in the unit that `metric`
/// names.
pub fn record(name: &str, metric: &str, value: f64) {
    let row = json!({ "name": name, "metric": metric, "value": value });
    ROWS.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(row);
}

/// Removes `--json FILE` from a program's arguments.
///
/// # Errors
///
/// `--json` is last, without a file.
pub fn json_argument(args: &mut Vec<String>) -> Result<Option<PathBuf>, String> {
    let Some(at) = args.iter().position(|arg| arg == "--json") else { return Ok(None) };
    if at + 1 == args.len() {
        return Err("expected a file after `--json`".to_owned());
    }
    Ok(args.drain(at..at + 2).next_back().map(PathBuf::from))
}

/// Writes what was recorded as an array of objects with `name`, `metric` and `value`.
///
/// # Errors
///
/// The file can't be written.
pub fn write(file: Option<PathBuf>) -> Result<(), Box<dyn Error>> {
    let Some(file) = file else { return Ok(()) };
    let rows = ROWS.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    Ok(fs::write(file, serde_json::to_string_pretty(&*rows)?)?)
}
