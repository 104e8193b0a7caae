//! The headers with credentials, whose values a guard marks sensitive.

use std::sync::Arc;

use http::{HeaderName, header::CONTENT_TYPE};

/// A set of header names with a fast path for names that aren't in it. (Benchmark: `in-process`.)
#[derive(Clone)]
pub(super) struct SensitiveHeaders {
    names: Arc<[HeaderName]>,
    /// Has a bit for the length of each name, and of `content-type`. Most headers have another length.
    lengths: u64,
}

impl SensitiveHeaders {
    pub(super) fn new<const N: usize>(names: [HeaderName; N]) -> Self {
        let lengths = names
            .iter()
            .fold(length_bit(&CONTENT_TYPE), |lengths, name| lengths | length_bit(name));
        SensitiveHeaders { names: names.into(), lengths }
    }

    pub(super) fn add(&mut self, name: HeaderName) {
        if !self.contains(&name) {
            self.lengths |= length_bit(&name);
            self.names = self.names.iter().cloned().chain([name]).collect();
        }
    }

    /// Returns whether `name` may be in the set or `content-type`, without a comparison of names.
    #[inline]
    pub(super) fn may_contain(&self, name: &HeaderName) -> bool {
        self.lengths & length_bit(name) != 0
    }

    #[inline]
    pub(super) fn contains(&self, name: &HeaderName) -> bool {
        self.may_contain(name) && self.names.contains(name)
    }
}

/// The bit for the length of `name`. Lengths that differ by 64 share a bit.
#[inline]
fn length_bit(name: &HeaderName) -> u64 {
    1 << (name.as_str().len() % 64)
}

#[cfg(test)]
mod tests {
    use http::header::{AUTHORIZATION, COOKIE, TE};

    use super::*;

    #[test]
    fn only_added_names_are_contained() {
        let long = "x-".repeat(50);
        let keys = ["x-api-key", &long].map(|name| name.parse::<HeaderName>().unwrap());
        let mut sensitive = SensitiveHeaders::new([AUTHORIZATION, COOKIE]);
        for key in &keys {
            assert!(!sensitive.contains(key), "{key}");
            sensitive.add(key.clone());
        }
        for known in [&AUTHORIZATION, &COOKIE, &keys[0], &keys[1]] {
            assert!(sensitive.contains(known), "{known}");
        }
        // With the length of `cookie`, of `x-api-key`, and of neither.
        for other in ["accept", "x-api-kez", "te"] {
            assert!(!sensitive.contains(&other.parse().unwrap()), "{other}");
        }
        assert!(!sensitive.contains(&TE));
    }
}
