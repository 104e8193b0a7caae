//! Which endpoints may receive credentials.

use std::{error::Error, fmt};

use http::Uri;

use crate::net::loopback;

/// Without one of these features tonic connects to `https://` in plaintext.
const TLS: bool = cfg!(any(feature = "tls-aws-lc", feature = "tls-ring"));

/// Rejects an endpoint without TLS.
pub(super) fn require_tls(uri: &Uri) -> Result<(), InsecureEndpoint> {
    if uri.scheme_str() != Some("https") {
        let loopback = is_loopback(uri);
        let problem = if loopback { Problem::PlaintextLoopback } else { Problem::Plaintext };
        Err(InsecureEndpoint::new(uri, problem))
    } else if !TLS {
        Err(InsecureEndpoint::new(uri, Problem::NoTlsFeature))
    } else {
        Ok(())
    }
}

/// Rejects an endpoint other than `http://` on the loopback interface.
pub(super) fn require_loopback(uri: &Uri) -> Result<(), InsecureEndpoint> {
    if uri.scheme_str() == Some("http") && is_loopback(uri) {
        Ok(())
    } else {
        Err(InsecureEndpoint::new(uri, Problem::NotLoopback))
    }
}

fn is_loopback(uri: &Uri) -> bool {
    uri.host().is_some_and(loopback::is_loopback)
}

/// An endpoint that would receive credentials in plaintext, or an empty list of endpoints.
#[derive(Debug)]
pub struct InsecureEndpoint {
    /// Without the user name and password of the URI.
    uri: String,
    problem: Problem,
}

#[derive(Clone, Copy, Debug)]
enum Problem {
    Plaintext,
    PlaintextLoopback,
    NoTlsFeature,
    NotLoopback,
    /// The calls of a channel without endpoints would wait for ever.
    NoEndpoint,
}

impl InsecureEndpoint {
    /// The error for an empty list.
    pub(super) fn none() -> Self {
        InsecureEndpoint { uri: String::new(), problem: Problem::NoEndpoint }
    }

    fn new(uri: &Uri, problem: Problem) -> Self {
        let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
        let (scheme, host) = (uri.scheme_str().unwrap_or_default(), uri.host().unwrap_or_default());
        InsecureEndpoint { uri: format!("{scheme}://{host}{port}"), problem }
    }
}

impl fmt::Display for InsecureEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = &self.uri;
        match self.problem {
            Problem::Plaintext => {
                write!(f, "credentials would be sent to {uri} in plaintext: it isn't https")
            }
            Problem::PlaintextLoopback => write!(
                f,
                "credentials would be sent to {uri} in plaintext: it isn't https; use `loopback_channel` for \
                 http on this machine"
            ),
            Problem::NoTlsFeature => write!(
                f,
                "credentials would be sent to {uri} in plaintext: tonic-guard is built without TLS; enable \
                 its feature `tls-aws-lc` or `tls-ring`"
            ),
            Problem::NotLoopback => write!(f, "{uri} isn't http on the loopback interface"),
            Problem::NoEndpoint => f.write_str("the list of endpoints is empty"),
        }
    }
}

impl Error for InsecureEndpoint {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_addresses_and_localhost_are_loopback() {
        let cases = [
            ("http://localhost:1", true),
            ("http://LOCALHOST", true),
            ("http://127.0.0.1:1", true),
            ("http://127.8.9.1", true),
            ("http://[::1]:1", true),
            ("http://0.0.0.0", false),
            ("http://[::]", false),
            ("http://[::ffff:127.0.0.1]", false),
            ("http://localhost.example", false),
            ("http://127.0.0.1.example", false),
            ("http://127.0.0.1@example", false),
            ("http://2130706433", false),
            ("http://10.0.0.1", false),
        ];
        for (uri, expected) in cases {
            assert_eq!(is_loopback(&uri.parse().unwrap()), expected, "{uri}");
        }
    }

    #[test]
    fn error_omits_the_password_of_the_uri() {
        let uri = "http://ada:s3cret@orders.example:81/x".parse().unwrap();
        let error = require_tls(&uri).unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains("http://orders.example:81") && !text.contains("s3cret"), "{text}");
    }
}
