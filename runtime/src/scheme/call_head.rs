//! What is known of a call before its message is read.

use http::{Extensions, HeaderMap, HeaderName, HeaderValue};

use crate::scheme::ExtractError;

/// The full name of a remote procedure: its service and its method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RpcName<'a> {
    /// The service with its package, such as `shop.v1.Orders`.
    pub service: &'a str,
    /// The method as the caller named it, such as `List`.
    pub method: &'a str,
}

/// The head of a call: its headers, its extensions and, where it is known, its method.
///
/// A [`Scheme`](crate::Scheme) finds credentials in it, and a check named by `authorize = ..` may
/// read it. The message isn't part of it: a guard decides before a byte of the message is read.
#[derive(Clone, Copy)]
pub struct CallHead<'a> {
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
    rpc: Option<RpcName<'a>>,
}

impl<'a> CallHead<'a> {
    /// The head of a call whose method isn't known, from its headers and extensions.
    #[inline]
    pub fn new(headers: &'a HeaderMap, extensions: &'a Extensions) -> Self {
        CallHead { headers, extensions, rpc: None }
    }

    #[inline]
    pub(crate) fn with_rpc(self, rpc: RpcName<'a>) -> Self {
        CallHead { rpc: Some(rpc), ..self }
    }

    /// The metadata as HTTP headers.
    #[inline]
    pub fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    /// What layers and the transport left for this call. Nothing in it comes from the wire.
    #[inline]
    pub fn extensions(&self) -> &'a Extensions {
        self.extensions
    }

    /// The method that is called.
    ///
    /// Known at the front door, which reads the path. `None` at a method's own door: tonic hands a
    /// handler neither the path nor the package.
    #[inline]
    pub fn rpc(&self) -> Option<RpcName<'a>> {
        self.rpc
    }

    /// The one value of the header `name`.
    ///
    /// A header that carries credentials is a singleton (RFC 9110, section 5.3): of two values one
    /// checker could take the first and the next the last.
    ///
    /// # Errors
    /// [`ExtractError::Duplicate`] when there are two or more, even when they are equal.
    #[inline]
    pub fn single(&self, name: &HeaderName) -> Result<Option<&'a HeaderValue>, ExtractError> {
        let mut values = self.headers.get_all(name).iter();
        let first = values.next();
        match values.next() {
            Some(_) => Err(ExtractError::Duplicate),
            None => Ok(first),
        }
    }

    /// The address of the peer's end of the connection, where tonic's server accepted it.
    ///
    /// Behind a proxy this is the proxy's address.
    #[cfg(feature = "server")]
    #[cfg_attr(docsrs, doc(cfg(feature = "server")))]
    pub fn peer(&self) -> Option<std::net::SocketAddr> {
        use tonic::transport::server::TcpConnectInfo;

        self.extensions.get::<TcpConnectInfo>().and_then(TcpConnectInfo::remote_addr)
    }
}

// By hand: headers hold credentials, and a derive would print those not marked sensitive.
impl std::fmt::Debug for CallHead<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallHead")
            .field("rpc", &self.rpc)
            .field("headers", &self.headers.len())
            .finish_non_exhaustive()
    }
}
