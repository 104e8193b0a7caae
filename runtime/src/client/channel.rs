//! Channels over which credentials may go.

use std::{error::Error, fmt};

use http::Uri;
use tonic::transport::{Channel, Endpoint, channel::Change};

use super::{CallCredentials, CallCredentialsLayer, CallCredentialsService};
use crate::net::loopback;

/// Without one of these a tonic connects `https://` in plaintext.
const TLS: bool = cfg!(any(feature = "tls-aws-lc", feature = "tls-ring"));

impl CallCredentials {
    /// A channel to `endpoint` whose calls carry these credentials. It connects with the first call.
    ///
    /// ```
    /// use tonic::transport::Endpoint;
    /// use tonic_guard::client::{CallCredentials, Token};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let credentials = CallCredentials::bearer(Token::new("s3cret"));
    ///
    /// // Refused: the token would be there for everyone to read.
    /// let plain = Endpoint::from_static("http://orders.example");
    /// assert!(credentials.channel(plain).is_err());
    ///
    /// # #[cfg(feature = "tls-aws-lc")] {
    /// let secure = Endpoint::new("https://orders.example").unwrap();
    /// let channel = credentials.channel(secure).unwrap();
    /// # }
    /// # }
    /// ```
    ///
    /// An endpoint made by `Endpoint::new` trusts the roots that tonic's features enable. One made by
    /// `from_static` or `from_shared` has no TLS before `Endpoint::tls_config` gives it some, and sends nothing: its
    /// calls end as UNAVAILABLE.
    ///
    /// # Errors
    /// When the endpoint isn't `https://`, or tonic-guard is built with neither of its features
    /// `tls-aws-lc` and `tls-ring`.
    ///
    /// # Panics
    /// Outside of a tokio runtime, as every channel of tonic.
    pub fn channel(
        &self,
        endpoint: Endpoint,
    ) -> Result<CallCredentialsService<Channel>, InsecureEndpoint> {
        require_tls(endpoint.uri())?;
        Ok(self.over(endpoint.connect_lazy()))
    }

    /// A channel that spreads its calls over `endpoints`, each of which must be as for
    /// [`channel`](CallCredentials::channel).
    ///
    /// # Errors
    /// When there are none, one of them isn't `https://`, or tonic-guard is built with neither of its
    /// features `tls-aws-lc` and `tls-ring`.
    ///
    /// # Panics
    /// Outside of a tokio runtime, as every channel of tonic.
    pub fn balanced_channel(
        &self,
        endpoints: impl IntoIterator<Item = Endpoint>,
    ) -> Result<CallCredentialsService<Channel>, InsecureEndpoint> {
        let endpoints: Vec<_> = endpoints.into_iter().collect();
        for endpoint in &endpoints {
            require_tls(endpoint.uri())?;
        }
        if endpoints.is_empty() {
            return Err(InsecureEndpoint { uri: String::new(), why: Why::NoEndpoint });
        }
        let (channel, sender) = Channel::balance_channel(endpoints.len());
        for (key, endpoint) in endpoints.into_iter().enumerate() {
            // There is room for all of them, and the channel that receives them is still here.
            let _ = sender.try_send(Change::Insert(key, endpoint));
        }
        Ok(self.over(channel))
    }

    /// A channel to a server on the same machine, in plaintext: for tests, and for a proxy beside the
    /// program that speaks TLS to the outside.
    ///
    /// ```
    /// use tonic::transport::Endpoint;
    /// use tonic_guard::client::{CallCredentials, Token};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let credentials = CallCredentials::bearer(Token::new("s3cret"));
    /// assert!(credentials.loopback_channel(Endpoint::from_static("http://[::1]:50051")).is_ok());
    ///
    /// // Refused: that is another machine.
    /// let elsewhere = Endpoint::from_static("http://10.0.0.1:50051");
    /// assert!(credentials.loopback_channel(elsewhere).is_err());
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the endpoint isn't `http://` to `localhost`, `127.0.0.0/8` or `[::1]`.
    ///
    /// # Panics
    /// Outside of a tokio runtime, as every channel of tonic.
    pub fn loopback_channel(
        &self,
        endpoint: Endpoint,
    ) -> Result<CallCredentialsService<Channel>, InsecureEndpoint> {
        let uri = endpoint.uri();
        if uri.scheme_str() == Some("http") && is_loopback(uri) {
            Ok(self.over(endpoint.connect_lazy()))
        } else {
            Err(InsecureEndpoint::new(uri, Why::NotLoopback))
        }
    }

    /// A tower layer that attaches these credentials to the calls of any service, whatever it speaks.
    ///
    /// Over plaintext everyone on the way reads the credentials, and may use them. Nothing here can
    /// know: a service doesn't tell whether it encrypts. For a Unix socket, a connector of your own, or
    /// a network that encrypts by itself.
    pub fn dangerously_layer(&self) -> CallCredentialsLayer {
        CallCredentialsLayer { credentials: self.clone() }
    }

    fn over(&self, channel: Channel) -> CallCredentialsService<Channel> {
        CallCredentialsService::new(channel, self.clone())
    }
}

fn require_tls(uri: &Uri) -> Result<(), InsecureEndpoint> {
    if uri.scheme_str() != Some("https") {
        let here = is_loopback(uri);
        Err(InsecureEndpoint::new(uri, if here { Why::NotHttpsHere } else { Why::NotHttps }))
    } else if !TLS {
        Err(InsecureEndpoint::new(uri, Why::NoTls))
    } else {
        Ok(())
    }
}

fn is_loopback(uri: &Uri) -> bool {
    uri.host().is_some_and(loopback::is_loopback)
}

/// An endpoint to which credentials would go in the clear, or a list without any.
#[derive(Debug)]
pub struct InsecureEndpoint {
    /// Without a user and a password that it may have.
    uri: String,
    why: Why,
}

#[derive(Clone, Copy, Debug)]
enum Why {
    NotHttps,
    /// As that, on this machine.
    NotHttpsHere,
    NoTls,
    NotLoopback,
    /// The calls of such a channel would wait for ever.
    NoEndpoint,
}

impl InsecureEndpoint {
    fn new(uri: &Uri, why: Why) -> Self {
        let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
        let (scheme, host) = (uri.scheme_str().unwrap_or_default(), uri.host().unwrap_or_default());
        InsecureEndpoint { uri: format!("{scheme}://{host}{port}"), why }
    }
}

impl fmt::Display for InsecureEndpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri = &self.uri;
        match self.why {
            Why::NotHttps => {
                write!(f, "credentials would go to {uri} in the clear: it isn't https")
            }
            Why::NotHttpsHere => write!(
                f,
                "credentials would go to {uri} in the clear: it isn't https, and on this machine there is \
                 `loopback_channel` for that"
            ),
            Why::NoTls => write!(
                f,
                "credentials would go to {uri} in the clear: tonic-guard is built without TLS, turn on \
                 its feature `tls-aws-lc` or `tls-ring`"
            ),
            Why::NotLoopback => write!(f, "{uri} isn't http on the loopback interface"),
            Why::NoEndpoint => f.write_str("there is no endpoint to send calls to"),
        }
    }
}

impl Error for InsecureEndpoint {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
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
    fn an_error_names_no_password() {
        let uri = "http://ada:s3cret@orders.example:81/x".parse().unwrap();
        let error = require_tls(&uri).unwrap_err();
        let told = format!("{error} {error:?}");
        assert!(told.contains("http://orders.example:81") && !told.contains("s3cret"), "{told}");
    }
}
