//! An issuer with a hole for the tenant, such as `https://login.example/{tenantid}/v2.0`.

/// An issuer, exact or with one path segment left open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IssuerPattern {
    before: Box<str>,
    /// The part after the hole. `None` without a hole.
    after: Option<Box<str>>,
}

/// Why a text isn't an issuer with one hole.
const EXPECTED: &str = "expected an issuer with one path segment in braces, such as `https://login.example/{tenantid}`";

impl IssuerPattern {
    /// Parses an issuer with exactly one hole, which is a whole segment of the path.
    pub(super) fn with_hole(text: &str) -> Result<IssuerPattern, &'static str> {
        let (before, rest) = text.split_once('{').ok_or(EXPECTED)?;
        let (name, after) = rest.split_once('}').ok_or(EXPECTED)?;
        let is_name = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        // The scheme and the host come before the hole.
        let in_path = before.split_once("://").is_some_and(|(scheme, rest)| {
            let host = rest.split_once('/').map_or("", |(host, _)| host);
            !scheme.is_empty() && !host.is_empty()
        });
        let is_segment = before.ends_with('/') && (after.is_empty() || after.starts_with('/'));
        let has_other = |part: &str| part.contains(['{', '}', '?', '#']);
        if !is_name || !in_path || !is_segment || has_other(before) || has_other(after) {
            return Err(EXPECTED);
        }
        Ok(IssuerPattern { before: before.into(), after: Some(after.into()) })
    }

    /// Parses an issuer with a hole or without one.
    pub(super) fn parse(text: &str) -> Result<IssuerPattern, &'static str> {
        if text.contains(['{', '}']) {
            IssuerPattern::with_hole(text)
        } else {
            Ok(IssuerPattern { before: text.into(), after: None })
        }
    }

    /// Returns the content of the hole in `issuer`: letters, digits and `-`, at least one.
    pub(super) fn tenant<'a>(&self, issuer: &'a str) -> Option<&'a str> {
        let tenant = issuer.strip_prefix(&*self.before)?.strip_suffix(self.after.as_deref()?)?;
        let is_tenant = !tenant.is_empty()
            && tenant.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        is_tenant.then_some(tenant)
    }

    /// Returns whether `issuer` is this issuer, or fits the hole.
    pub(super) fn fits(&self, issuer: &str) -> bool {
        match self.after {
            Some(_) => self.tenant(issuer).is_some(),
            None => *self.before == *issuer,
        }
    }

    /// The issuer as it was written, with `{}` for the hole.
    pub(super) fn text(&self) -> String {
        match &self.after {
            Some(after) => format!("{}{{}}{after}", self.before),
            None => self.before.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hole_is_one_whole_path_segment() {
        for good in ["https://a.example/{tid}", "https://a.example/x/{tenant_id}/v2.0"] {
            assert!(IssuerPattern::with_hole(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "{tid}",
            "https://a.example/",
            "https://{tid}/v2.0",
            "https://{tid}.example/v2.0",
            "https://a.example{tid}/v2.0",
            "https://a.example/x{tid}/v2.0",
            "https://a.example/{tid}x",
            "https://a.example/{}/v2.0",
            "https://a.example/{a}/{b}",
            "https://a.example/}{",
            "https://a.example/{{tid}}",
            "https://a.example/?t=/{tid}",
            "https://a.example/{tid}/#",
            "https:///{tid}",
            "a.example/{tid}",
            "://a.example/{tid}",
        ] {
            assert!(IssuerPattern::with_hole(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn tenant_has_letters_digits_and_hyphens_only() {
        let pattern = IssuerPattern::with_hole("https://a.example/{tid}/v2.0").unwrap();
        assert_eq!(pattern.tenant("https://a.example/a-1/v2.0"), Some("a-1"));
        for other in [
            "https://a.example//v2.0",
            "https://a.example/v2.0",
            "https://a.example/a/b/v2.0",
            "https://a.example/a%2Fb/v2.0",
            "https://a.example/../v2.0",
            "https://a.example/a.b/v2.0",
            "https://a.example/é/v2.0",
            "https://a.example/a/v2.0/",
            "https://a.example/a/v2.0?",
            "https://b.example/a/v2.0",
            "https://evil.example/https://a.example/a/v2.0",
        ] {
            assert_eq!(pattern.tenant(other), None, "{other}");
            assert!(!pattern.fits(other), "{other}");
        }
        let exact = IssuerPattern::parse("https://a.example").unwrap();
        assert!(exact.fits("https://a.example") && !exact.fits("https://a.example/"));
        assert_eq!(exact.tenant("https://a.example"), None);
    }
}
