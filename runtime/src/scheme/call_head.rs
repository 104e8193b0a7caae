//! The head of a call: everything that is known before its message is read.

use http::{Extensions, HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};

use super::extraction::ExtractError;

/// The full name of an RPC: its service and its method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RpcName<'a> {
    /// The service with its package, such as `shop.v1.Orders`.
    pub service: &'a str,
    /// The method as the policy table names it, such as `List`. In the request path the capitals and
    /// underscores may differ (see `rpc` in [`authenticated`](macro@crate::authenticated)).
    pub method: &'a str,
}

/// The head of a call: its headers, its extensions and, at a guard, the RPC that is called.
///
/// A [`Scheme`](crate::Scheme) extracts credentials from it, and the custom check of `authorize = ..`
/// receives it. It doesn't contain the message, because a guard decides before the message is read.
#[derive(Clone, Copy)]
pub struct CallHead<'a> {
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
    rpc: Option<RpcName<'a>>,
    authorization: Option<&'a AuthorizationHeader>,
}

/// The values of the `authorization` header, which a guard finds when it marks them sensitive.
#[derive(Default)]
pub(crate) struct AuthorizationHeader {
    pub(crate) first: Option<HeaderValue>,
    pub(crate) is_duplicate: bool,
}

impl<'a> CallHead<'a> {
    /// Creates a call head from headers and extensions, without the name of the RPC.
    #[inline]
    pub fn new(headers: &'a HeaderMap, extensions: &'a Extensions) -> Self {
        CallHead { headers, extensions, rpc: None, authorization: None }
    }

    #[inline]
    pub(crate) fn with_rpc(self, rpc: RpcName<'a>) -> Self {
        CallHead { rpc: Some(rpc), ..self }
    }

    /// Spares the lookup of the `authorization` header. (Benchmark: `in-process`.)
    #[inline]
    pub(crate) fn with_authorization(self, authorization: &'a AuthorizationHeader) -> Self {
        CallHead { authorization: Some(authorization), ..self }
    }

    /// Returns the metadata as HTTP headers.
    #[inline]
    pub fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    /// Returns the extensions that layers and the transport have inserted. None of them comes from the wire.
    #[inline]
    pub fn extensions(&self) -> &'a Extensions {
        self.extensions
    }

    /// Returns the name of the RPC, if it is known.
    ///
    /// A guard takes it from the policy that it finds by the request path. In a handler check it is `None`, because tonic passes neither
    /// the path nor the package to a handler.
    #[inline]
    pub fn rpc(&self) -> Option<RpcName<'a>> {
        self.rpc
    }

    /// Returns the value of the header `name`, which may occur once at most.
    ///
    /// A header with credentials is a singleton (RFC 9110, section 5.3): of two values, one component might
    /// check the first and another might use the last.
    ///
    /// # Errors
    /// Returns [`ExtractError::Duplicate`] when the header has two or more values, even if they are equal.
    #[inline]
    pub fn single(&self, name: &HeaderName) -> Result<Option<&'a HeaderValue>, ExtractError> {
        if let Some(authorization) = self.authorization
            && *name == AUTHORIZATION
        {
            return match authorization.is_duplicate {
                true => Err(ExtractError::Duplicate),
                false => Ok(authorization.first.as_ref()),
            };
        }
        let mut values = self.headers.get_all(name).iter();
        let first = values.next();
        match values.next() {
            Some(_) => Err(ExtractError::Duplicate),
            None => Ok(first),
        }
    }

    /// Returns the remote address of the connection, if tonic's server accepted it.
    ///
    /// Behind a proxy this is the address of the proxy.
    #[cfg(feature = "server")]
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    pub fn peer(&self) -> Option<std::net::SocketAddr> {
        use tonic::transport::server::TcpConnectInfo;

        self.extensions.get::<TcpConnectInfo>().and_then(TcpConnectInfo::remote_addr)
    }
}

// Not derived: headers hold credentials, and `Debug` prints the values that aren't marked sensitive.
impl std::fmt::Debug for CallHead<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallHead")
            .field("rpc", &self.rpc)
            .field("headers", &self.headers.len())
            .finish_non_exhaustive()
    }
}
