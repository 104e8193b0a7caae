//! Tables in Markdown, aligned, and their figures as JSON.

use std::{
    io,
    path::Path,
    sync::{Mutex, PoisonError},
};

use serde_json::{Value, json};

/// The figures of all tables that were printed.
static FIGURES: Mutex<Vec<Value>> = Mutex::new(Vec::new());

/// Writes the figures of all tables that were printed, as rows of name, metric and value.
pub fn write_json(file: impl AsRef<Path>) -> io::Result<()> {
    let figures = FIGURES.lock().unwrap_or_else(PoisonError::into_inner);
    std::fs::write(file, format!("{:#}\n", Value::Array(figures.clone())))
}

/// Keeps the cells of a table that are numbers.
fn keep_figures(title: &str, rows: &[Vec<String>]) {
    let Some((header, rows)) = rows.split_first() else { return };
    let mut figures = FIGURES.lock().unwrap_or_else(PoisonError::into_inner);
    for row in rows {
        let Some(name) = row.first() else { continue };
        for (metric, cell) in header.iter().zip(row).skip(1) {
            let number = cell.replace(',', "");
            if let Ok(value) = number.trim_start_matches('+').parse::<f64>() {
                let metric = format!("{title}: {metric}");
                figures.push(json!({ "name": name, "metric": metric, "value": value }));
            }
        }
    }
}

/// Prints `rows` under `title`; the first row is the header.
pub fn print(title: &str, rows: &[Vec<String>]) {
    keep_figures(title, rows);
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    println!("\n## {title}\n");
    for (at, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(at, (cell, &width))| match at {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        println!("| {} |", cells.join(" | "));
        if at == 0 {
            let rule = |(at, width): (usize, &usize)| match at {
                0 => "-".repeat(*width),
                _ => format!("{}:", "-".repeat(width.saturating_sub(1))),
            };
            let rules: Vec<String> = widths.iter().enumerate().map(rule).collect();
            println!("| {} |", rules.join(" | "));
        }
    }
}

/// A row of text.
pub fn row(cells: impl IntoIterator<Item = impl Into<String>>) -> Vec<String> {
    cells.into_iter().map(Into::into).collect()
}

/// `1234567` as `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
