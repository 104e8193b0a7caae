//! The headers whose values are marked, so that they don't print.

use std::sync::Arc;

use http::HeaderName;

#[derive(Clone)]
pub(super) struct Sensitive {
    names: Arc<[HeaderName]>,
    /// A bit for each length that one of the names has: most headers have none of them.
    lengths: u64,
}

impl Sensitive {
    pub(super) fn of<const N: usize>(names: [HeaderName; N]) -> Self {
        let lengths = names.iter().fold(0, |lengths, name| lengths | length(name));
        Sensitive { names: names.into(), lengths }
    }

    pub(super) fn add(&mut self, name: HeaderName) {
        if !self.contains(&name) {
            self.lengths |= length(&name);
            self.names = self.names.iter().cloned().chain([name]).collect();
        }
    }

    #[inline]
    pub(super) fn contains(&self, name: &HeaderName) -> bool {
        self.lengths & length(name) != 0 && self.names.contains(name)
    }
}

/// Lengths that differ by 64 share a bit.
#[inline]
fn length(name: &HeaderName) -> u64 {
    1 << (name.as_str().len() % 64)
}

#[cfg(test)]
mod tests {
    use http::header::{AUTHORIZATION, COOKIE, TE};

    use super::*;

    #[test]
    fn the_names_that_were_added_are_known_and_no_others() {
        let long = "x-".repeat(50);
        let keys = ["x-api-key", &long].map(|name| name.parse::<HeaderName>().unwrap());
        let mut sensitive = Sensitive::of([AUTHORIZATION, COOKIE]);
        for key in &keys {
            assert!(!sensitive.contains(key), "{key}");
            sensitive.add(key.clone());
        }
        for known in [&AUTHORIZATION, &COOKIE, &keys[0], &keys[1]] {
            assert!(sensitive.contains(known), "{known}");
        }
        // As long as `cookie`, as `x-api-key`, and as neither.
        for other in ["accept", "x-api-kez", "te"] {
            assert!(!sensitive.contains(&other.parse().unwrap()), "{other}");
        }
        assert!(!sensitive.contains(&TE));
    }
}
