//! A token before its signature is verified.

use super::{
    algorithm::Algorithm,
    base64url,
    expectations::{CheckedClaims, TokenExpectations},
    header::JoseHeader,
    issuers::UnvouchedTenant,
    key::{Key, KeyDigest},
    key_set::KeySet,
    reject::{RejectedToken, invalid, malformed},
    unverified_claims::UnverifiedClaims,
};
use crate::{
    error::AuthError,
    verifiers::shared::lifetime::{Lifetime, Now},
};

/// The maximum length of a token. Issuers' tokens have one or two kilobytes.
const MAX_TOKEN: usize = 16 * 1024;

/// A token that has passed all checks but that of its signature.
///
/// Its payload is accessible only through [`verify_signature`](UnverifiedToken::verify_signature).
pub(super) struct UnverifiedToken<'a> {
    algorithm: Algorithm,
    kid: Option<String>,
    signing_input: &'a [u8],
    signature: Vec<u8>,
    payload: String,
    checked: CheckedClaims,
}

/// A token whose signature is verified.
pub(super) struct VerifiedToken {
    pub(super) payload: String,
    pub(super) lifetime: Lifetime,
    pub(super) key: KeyDigest,
    /// The tenant that a resolver must still vouch for.
    pub(super) unvouched: Option<UnvouchedTenant>,
}

impl<'a> UnverifiedToken<'a> {
    /// Parses a JWS in compact form (RFC 7515, section 7.1) and makes every check that needs no
    /// signature, the cheapest first: form, algorithm, kind, issuer, audience, dates.
    pub(super) fn parse(
        token: &'a str,
        expected: &TokenExpectations,
        now: Now,
    ) -> Result<UnverifiedToken<'a>, AuthError> {
        let CompactJws { header, payload, signature, signing_input } = CompactJws::parse(token)?;

        let (algorithm, kid) = JoseHeader::inspect(header.as_bytes(), |header| {
            let kid = header.kid.as_ref().map(|kid| kid.0.clone().into_owned());
            Ok((expected.check_header(header)?, kid))
        })?;

        let payload = decode_payload(payload)?;
        let claims = parse_claims(&payload)?;
        let checked = expected.check_claims(&claims, &payload, now)?;

        let signature =
            base64url::decode(signature).map_err(|_| malformed("signature: not base64url"))?;
        Ok(UnverifiedToken { algorithm, kid, signing_input, signature, payload, checked })
    }

    pub(super) fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Rejects the token, which none of the keys has signed.
    pub(super) fn without_key(&self, why: &'static str) -> AuthError {
        RejectedToken::new(why)
            .field("unverified_alg", self.algorithm.to_string())
            .field("unverified_kid", self.kid.as_deref().unwrap_or_default())
            .field("unverified_iss", &self.checked.issuer)
            .invalid()
    }

    /// Verifies the signature with `keys`. Returns the token itself if no key matches.
    #[allow(clippy::result_large_err, reason = "a move costs less than an allocation")]
    pub(super) fn verify_signature(self, keys: &KeySet) -> Result<VerifiedToken, Self> {
        let signer = keys
            .candidates(self.kid.as_deref(), self.algorithm)
            .filter(|key| key.may_sign_for(&self.checked.issuer))
            .find(|key| key.verify(self.algorithm, self.signing_input, &self.signature))
            .map(Key::digest);
        match signer {
            Some(key) => {
                let CheckedClaims { lifetime, unvouched, .. } = self.checked;
                Ok(VerifiedToken { payload: self.payload, lifetime, key, unvouched })
            }
            None => Err(self),
        }
    }
}

/// Returns the issuer that a token claims.
///
/// It may choose the verifier of the token, which must then check the issuer and the signature.
pub(crate) fn unverified_issuer(token: &str) -> Result<String, AuthError> {
    let payload = decode_payload(CompactJws::parse(token)?.payload)?;
    match parse_claims(&payload)?.iss {
        Some(issuer) => Ok(issuer.0.into_owned()),
        None => Err(invalid("`iss` is missing")),
    }
}

fn decode_payload(payload: &str) -> Result<String, AuthError> {
    let payload = base64url::decode(payload).map_err(|_| malformed("payload: not base64url"))?;
    // Checked once for the whole payload, so that the two parses of it don't check each string.
    String::from_utf8(payload).map_err(|_| malformed("payload: not UTF-8"))
}

fn parse_claims(payload: &str) -> Result<UnverifiedClaims<'_>, AuthError> {
    serde_json::from_str(payload).map_err(|error| {
        if error.is_data() {
            invalid("payload: a registered claim has the wrong type, or a member is duplicate")
        } else {
            malformed("payload: not JSON")
        }
    })
}

/// A JWS in compact form, split at its dots.
struct CompactJws<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
    /// The signed text: header, dot and payload.
    signing_input: &'a [u8],
}

impl<'a> CompactJws<'a> {
    fn parse(token: &'a str) -> Result<CompactJws<'a>, AuthError> {
        if token.len() > MAX_TOKEN {
            return Err(malformed("the token has more than 16 KiB"));
        }
        CompactJws::split(token)
            .ok_or_else(|| malformed("not a JWS in compact form: expected three parts"))
    }

    fn split(token: &'a str) -> Option<CompactJws<'a>> {
        let mut parts = token.split('.');
        let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
        // An encrypted token has five parts (RFC 7516).
        if parts.next().is_some() {
            return None;
        }
        let signing_input = token.get(..header.len() + 1 + payload.len())?.as_bytes();
        Some(CompactJws { header, payload, signature, signing_input })
    }
}
