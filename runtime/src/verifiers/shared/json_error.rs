//! Errors of JSON in a credentials file, without a quotation from the file.

use std::error::Error;

use serde_json::error::Category;

/// Describes a parse error by its position and kind.
///
/// serde_json's own message may quote the file, which holds hashes.
pub(crate) fn redacted(error: &serde_json::Error) -> Box<dyn Error + Send + Sync> {
    let kind = match error.classify() {
        Category::Data => "a field is missing, unknown or of the wrong type",
        Category::Io | Category::Syntax => "the file isn't JSON",
        Category::Eof => "the JSON ends too early",
    };
    format!("line {}, column {}: {kind}", error.line(), error.column()).into()
}
