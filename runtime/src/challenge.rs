//! Challenges: the values of `www-authenticate` in a rejection.

use http::HeaderValue;

/// A challenge of one scheme (RFC 9110, section 11.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    text: String,
    has_params: bool,
}

impl Challenge {
    /// Creates a challenge for the authentication scheme `word`, such as `Bearer`.
    pub fn new(word: &'static str) -> Self {
        Challenge { text: word.to_owned(), has_params: false }
    }

    pub(crate) fn realm(self, realm: Option<&str>) -> Self {
        match realm {
            Some(realm) => self.param("realm", realm),
            None => self,
        }
    }

    /// Adds a parameter as a quoted string.
    ///
    /// A header can't hold some characters, such as a line break. A challenge that contains one is left out
    /// of the response, and an event at the level ERROR reports it.
    #[must_use]
    pub fn param(mut self, name: &'static str, value: &str) -> Self {
        self.text.push_str(if self.has_params { ", " } else { " " });
        self.has_params = true;
        self.text.push_str(name);
        self.text.push_str("=\"");
        for character in value.chars() {
            if matches!(character, '"' | '\\') {
                self.text.push('\\');
            }
            self.text.push(character);
        }
        self.text.push('"');
        self
    }

    /// The header value, or `None` when the challenge contains a character that a header can't hold.
    pub(crate) fn to_value(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&self.text).ok()
    }
}

/// Checks that a quoted string can hold `text` without escapes. A constant is checked at compile time.
pub(crate) const fn check_quotable(text: &str) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        #[allow(clippy::indexing_slicing, reason = "`get` isn't const on slices in Rust 1.88")]
        let byte = bytes[at];
        assert!(
            matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\',
            "expected a realm of printable ASCII without quotes and backslashes"
        );
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_quoted_and_escaped() {
        let challenge =
            Challenge::new("Bearer").realm(Some("a\"b\\c")).param("error", "invalid_token");
        assert_eq!(challenge.text, r#"Bearer realm="a\"b\\c", error="invalid_token""#);
    }

    #[test]
    fn characters_that_a_header_cannot_hold_are_rejected() {
        assert!(Challenge::new("Bearer").param("realm", "a\nb").to_value().is_none());
        assert!(std::panic::catch_unwind(|| check_quotable("a\nb")).is_err());
        assert!(std::panic::catch_unwind(|| check_quotable("a\"b")).is_err());
        check_quotable("orders, all of them");
    }
}
