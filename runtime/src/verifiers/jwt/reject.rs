//! Rejections of a token, each with a cause for the operator's log.

use std::{error::Error, fmt};

use crate::error::AuthError;

pub(super) fn malformed(cause: &'static str) -> AuthError {
    AuthError::malformed().because(cause)
}

pub(super) fn invalid(cause: &'static str) -> AuthError {
    AuthError::invalid().because(cause)
}

/// The maximum number of characters that a cause quotes of one value.
const MAX_QUOTED: usize = 128;

/// Why a token is rejected, with what was expected and what the token has.
///
/// Values of the token are in fields named `unverified_*`: anyone may have written them.
#[derive(Debug)]
pub(super) struct RejectedToken {
    why: &'static str,
    fields: Vec<(&'static str, String)>,
}

impl RejectedToken {
    pub(super) fn new(why: &'static str) -> RejectedToken {
        RejectedToken { why, fields: Vec::new() }
    }

    /// Adds a field, escaped and cut to [`MAX_QUOTED`] characters.
    pub(super) fn field(mut self, name: &'static str, value: impl AsRef<str>) -> RejectedToken {
        self.fields.push((name, quote(value.as_ref())));
        self
    }

    /// Adds a list as one field.
    pub(super) fn list<T: AsRef<str>>(
        self,
        name: &'static str,
        items: impl IntoIterator<Item = T>,
    ) -> RejectedToken {
        let mut list = String::new();
        for item in items {
            // Enough for the characters that are quoted, however long the list is.
            if list.len() > 4 * MAX_QUOTED {
                break;
            }
            if !list.is_empty() {
                list.push(' ');
            }
            list.extend(item.as_ref().chars().take(MAX_QUOTED + 1));
        }
        self.field(name, list)
    }

    /// Adds a number of seconds.
    pub(super) fn seconds(self, name: &'static str, seconds: f64) -> RejectedToken {
        self.field(name, format!("{:.0}", seconds.clamp(-1e12, 1e12)))
    }

    pub(super) fn invalid(self) -> AuthError {
        AuthError::invalid().because(self)
    }

    pub(super) fn expired(self) -> AuthError {
        AuthError::expired().because(self)
    }
}

fn quote(value: &str) -> String {
    let mut quoted = String::from("\"");
    let mut characters = value.chars();
    for character in characters.by_ref().take(MAX_QUOTED) {
        quoted.extend(character.escape_debug());
    }
    quoted.push('"');
    if characters.next().is_some() {
        quoted.push_str("..");
    }
    quoted
}

impl fmt::Display for RejectedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.why)?;
        for (at, (name, value)) in self.fields.iter().enumerate() {
            let separator = if at == 0 { ":" } else { "," };
            write!(f, "{separator} {name}={value}")?;
        }
        Ok(())
    }
}

impl Error for RejectedToken {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_values_are_escaped_and_bounded() {
        let rejected = RejectedToken::new("no")
            .field("unverified_iss", "a\"\n\u{1b}[31m\u{202e}")
            .field("unverified_kid", "é".repeat(10_000))
            .list("unverified_aud", vec!["x".repeat(1000); 1000])
            .seconds("off", 1e300)
            .to_string();
        assert!(rejected.starts_with(r#"no: unverified_iss="a\"\n\u{1b}[31m\u{202e}", "#));
        assert!(rejected.len() < 800, "{}", rejected.len());
        assert!(!rejected.contains(['\n', '\u{1b}', '\u{202e}']), "{rejected}");
        assert!(rejected.ends_with(r#"off="1000000000000""#), "{rejected}");
    }
}
