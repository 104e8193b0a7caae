//! Channels that attach call credentials, and that send them over TLS or loopback only.

use tonic::transport::{Channel, Endpoint, channel::Change};

use super::{
    call_credentials::CallCredentials,
    endpoint::{InsecureEndpoint, require_loopback, require_tls},
    layer::CallCredentialsLayer,
    service::CallCredentialsService,
};

impl CallCredentials {
    /// Creates a channel to `endpoint` whose calls carry these credentials. The channel connects on the first call.
    ///
    /// ```
    /// use tonic::transport::Endpoint;
    /// use tonic_guard::client::{CallCredentials, Token};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let credentials = CallCredentials::bearer(Token::new("s3cret"));
    ///
    /// // An error: everyone on the network path could read the token.
    /// let plaintext = Endpoint::from_static("http://orders.example");
    /// assert!(credentials.channel(plaintext).is_err());
    ///
    /// # #[cfg(feature = "tls-aws-lc")] {
    /// let secure = Endpoint::new("https://orders.example").unwrap();
    /// let channel = credentials.channel(secure).unwrap();
    /// # }
    /// # }
    /// ```
    ///
    /// `Endpoint::new` configures TLS with the root certificates that tonic's features enable.
    /// `Endpoint::from_static` and `Endpoint::from_shared` don't configure TLS: until you call
    /// `Endpoint::tls_config`, the channel sends nothing, and its calls end with UNAVAILABLE.
    ///
    /// # Errors
    /// When the endpoint isn't `https://`, or neither of the features `tls-aws-lc` and `tls-ring` is
    /// enabled.
    ///
    /// # Panics
    /// Outside of a tokio runtime, as every tonic channel does.
    pub fn channel(
        &self,
        endpoint: Endpoint,
    ) -> Result<CallCredentialsService<Channel>, InsecureEndpoint> {
        require_tls(endpoint.uri())?;
        Ok(self.wrap(endpoint.connect_lazy()))
    }

    /// Makes a channel that distributes its calls over `endpoints`.
    ///
    /// Each endpoint must meet the conditions of [`channel`](CallCredentials::channel).
    ///
    /// # Errors
    /// When `endpoints` is empty, one of them isn't `https://`, or neither of the features `tls-aws-lc` and
    /// `tls-ring` is enabled.
    ///
    /// # Panics
    /// Outside of a tokio runtime, as every tonic channel does.
    pub fn balanced_channel(
        &self,
        endpoints: impl IntoIterator<Item = Endpoint>,
    ) -> Result<CallCredentialsService<Channel>, InsecureEndpoint> {
        let endpoints: Vec<_> = endpoints.into_iter().collect();
        for endpoint in &endpoints {
            require_tls(endpoint.uri())?;
        }
        if endpoints.is_empty() {
            return Err(InsecureEndpoint::none());
        }
        let (channel, sender) = Channel::balance_channel(endpoints.len());
        for (key, endpoint) in endpoints.into_iter().enumerate() {
            // It can't fail: the queue has room for all endpoints, and its receiver is still alive.
            let _ = sender.try_send(Change::Insert(key, endpoint));
        }
        Ok(self.wrap(channel))
    }

    /// Makes a plaintext channel to a server on the same machine.
    ///
    /// It is for tests, and for a local proxy that encrypts the connection to the server.
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
    /// // An error: this is another machine.
    /// let remote = Endpoint::from_static("http://10.0.0.1:50051");
    /// assert!(credentials.loopback_channel(remote).is_err());
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the endpoint isn't `http://` to `localhost`, `127.0.0.0/8` or `[::1]`.
    ///
    /// # Panics
    /// Outside of a tokio runtime, as every tonic channel does.
    pub fn loopback_channel(
        &self,
        endpoint: Endpoint,
    ) -> Result<CallCredentialsService<Channel>, InsecureEndpoint> {
        require_loopback(endpoint.uri())?;
        Ok(self.wrap(endpoint.connect_lazy()))
    }

    /// Makes a tower layer that attaches these credentials to the calls of any service.
    ///
    /// The layer can't check whether the service encrypts its calls. Over plaintext, everyone on the network
    /// path can read the credentials and use them. Use it for a Unix socket, a custom connector, or a
    /// network that encrypts all traffic.
    pub fn dangerously_layer(&self) -> CallCredentialsLayer {
        CallCredentialsLayer::new(self.clone())
    }

    fn wrap(&self, channel: Channel) -> CallCredentialsService<Channel> {
        CallCredentialsService::new(channel, self.clone())
    }
}
