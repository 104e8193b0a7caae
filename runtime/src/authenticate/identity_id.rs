//! The ids by which an identity can be revoked.

use std::{sync::Arc, time::SystemTime};

/// An id by which an identity can be revoked: who assigned it, its kind, and its value.
///
/// Two ids are equal when all three are. An id isn't secret: it is never the credential itself.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct IdentityId {
    issuer: Arc<str>,
    kind: IdKind,
    value: Arc<str>,
}

/// The kind of an [`IdentityId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IdKind {
    /// One token: `jti` (RFC 7519, section 4.1.7).
    TokenId,
    /// One session at the identity provider: `sid` (OpenID Connect Back-Channel Logout 1.0, section 2.1).
    SessionId,
    /// All tokens of a subject, `sub`, with the time at which this one was issued, `iat`, if it has one.
    SubjectId {
        /// When the token was issued.
        issued_at: Option<SystemTime>,
    },
    /// An API key.
    ApiKeyId,
    /// A client certificate: the SHA-256 of its DER, in lower-case hexadecimal.
    CertificateDigest,
    /// A user of a user table.
    UserId,
}

impl IdentityId {
    /// The id of one token: its issuer and its `jti`.
    pub fn token(issuer: impl Into<Arc<str>>, jti: impl Into<Arc<str>>) -> Self {
        IdentityId::new(issuer, IdKind::TokenId, jti)
    }

    /// The id of a session: the issuer of its tokens and their `sid`.
    pub fn session(issuer: impl Into<Arc<str>>, sid: impl Into<Arc<str>>) -> Self {
        IdentityId::new(issuer, IdKind::SessionId, sid)
    }

    /// The subject of a token: its issuer, its `sub` and its `iat`.
    pub fn subject(
        issuer: impl Into<Arc<str>>,
        sub: impl Into<Arc<str>>,
        issued_at: Option<SystemTime>,
    ) -> Self {
        IdentityId::new(issuer, IdKind::SubjectId { issued_at }, sub)
    }

    /// The id of an API key in the store with this name.
    pub fn api_key(store: impl Into<Arc<str>>, id: impl Into<Arc<str>>) -> Self {
        IdentityId::new(store, IdKind::ApiKeyId, id)
    }

    /// A client certificate, by the SHA-256 of its DER in lower-case hexadecimal. It has no issuer: the
    /// digest alone identifies the certificate.
    pub fn certificate(sha256: impl Into<Arc<str>>) -> Self {
        IdentityId::new("", IdKind::CertificateDigest, sha256)
    }

    /// The id of a user in the store with this name.
    pub fn user(store: impl Into<Arc<str>>, id: impl Into<Arc<str>>) -> Self {
        IdentityId::new(store, IdKind::UserId, id)
    }

    fn new(issuer: impl Into<Arc<str>>, kind: IdKind, value: impl Into<Arc<str>>) -> Self {
        IdentityId { issuer: issuer.into(), kind, value: value.into() }
    }

    /// The issuer or the store that assigned the id.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The kind of the id.
    pub fn kind(&self) -> IdKind {
        self.kind
    }

    /// The id itself.
    pub fn value(&self) -> &str {
        &self.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_by_issuer_kind_and_value() {
        let id = IdentityId::token("https://a.example", "7");
        assert_eq!(id, IdentityId::token("https://a.example", "7"));
        assert_ne!(id, IdentityId::token("https://b.example", "7"));
        assert_ne!(id, IdentityId::session("https://a.example", "7"));
        assert_ne!(id, IdentityId::token("https://a.example", "8"));
        assert_eq!(
            (id.issuer(), id.kind(), id.value()),
            ("https://a.example", IdKind::TokenId, "7")
        );
    }
}
