use super::{
    Algorithm, Key, KeySet, base64url, expectations::Expectations, header::Header, key::Thumbprint,
    stated::Stated,
};
use crate::{
    error::AuthError,
    verifiers::shared::lifetime::{Lifetime, Now},
};

/// The longest token that is looked at. Those of real issuers have one or two kilobytes.
const MAX_TOKEN: usize = 16 * 1024;

/// A token that nothing speaks against but the signature, which nobody has checked yet.
///
/// What it states isn't handed out: [`signed_by`](Unverified::signed_by) comes first.
pub(super) struct Unverified<'a> {
    algorithm: Algorithm,
    kid: Option<String>,
    signed: &'a [u8],
    signature: Vec<u8>,
    payload: String,
    lifetime: Lifetime,
}

/// What a key of the set has signed.
pub(super) struct Signed {
    pub(super) payload: String,
    pub(super) lifetime: Lifetime,
    pub(super) thumbprint: Thumbprint,
}

impl<'a> Unverified<'a> {
    /// Reads a JWS in compact form (RFC 7515, section 7.1) and refuses what needs no signature to be
    /// refused, the cheapest first: shape, algorithm, kind, issuer, audience, times.
    pub(super) fn read(
        token: &'a str,
        expected: &Expectations,
        now: Now,
    ) -> Result<Unverified<'a>, AuthError> {
        let Parts { header, payload, signature, signed } = Parts::of(token)?;

        let (algorithm, kid) = Header::read(header.as_bytes(), |header| {
            let kid = header.kid.as_ref().map(|kid| kid.0.clone().into_owned());
            Ok((expected.check_header(header)?, kid))
        })?;

        let payload = decode_payload(payload)?;
        let stated = stated(&payload)?;
        let lifetime = expected.check_claims(&stated, now)?;

        let signature =
            base64url::decode(signature).map_err(|_| malformed("signature: no base64url"))?;
        Ok(Unverified { algorithm, kid, signed, signature, payload, lifetime })
    }

    /// Whether other keys than these could know the one that the token names.
    pub(super) fn asks_beyond(&self, keys: &KeySet) -> bool {
        self.kid.as_deref().is_some_and(|kid| !keys.knows(kid))
    }

    /// The token as one of `keys` signed it, or as it was.
    pub(super) fn signed_by(self, keys: &KeySet) -> Result<Signed, Self> {
        let signer = keys
            .candidates(self.kid.as_deref(), self.algorithm)
            .find(|key| key.signed(self.algorithm, self.signed, &self.signature))
            .map(Key::thumbprint);
        match signer {
            Some(thumbprint) => {
                Ok(Signed { payload: self.payload, lifetime: self.lifetime, thumbprint })
            }
            None => Err(self),
        }
    }
}

/// A JWS in compact form, cut at its dots.
struct Parts<'a> {
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
    /// What the signature is over: the first two, with their dot.
    signed: &'a [u8],
}

/// The issuer that a token names. It serves to choose who checks the token, who then checks the issuer
/// too.
pub(crate) fn unverified_issuer(token: &str) -> Result<String, AuthError> {
    let payload = decode_payload(Parts::of(token)?.payload)?;
    match stated(&payload)?.iss {
        Some(issuer) => Ok(issuer.0.into_owned()),
        None => Err(invalid("it names no issuer")),
    }
}

fn decode_payload(payload: &str) -> Result<String, AuthError> {
    let payload = base64url::decode(payload).map_err(|_| malformed("payload: no base64url"))?;
    // Here once, and not for each text in it each time that it is read.
    String::from_utf8(payload).map_err(|_| malformed("payload: no text"))
}

fn stated(payload: &str) -> Result<Stated<'_>, AuthError> {
    serde_json::from_str(payload).map_err(|error| {
        if error.is_data() {
            invalid("a registered claim has the wrong type, or a claim stands twice")
        } else {
            malformed("payload: no JSON")
        }
    })
}

impl<'a> Parts<'a> {
    fn of(token: &'a str) -> Result<Parts<'a>, AuthError> {
        if token.len() > MAX_TOKEN {
            return Err(malformed("a token of more than 16 KiB"));
        }
        Parts::cut(token).ok_or_else(|| malformed("not three parts: no JWS in compact form"))
    }

    fn cut(token: &'a str) -> Option<Parts<'a>> {
        let mut parts = token.split('.');
        let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
        // Five parts are an encrypted token (RFC 7516).
        if parts.next().is_some() {
            return None;
        }
        let signed = token.get(..header.len() + 1 + payload.len())?.as_bytes();
        Some(Parts { header, payload, signature, signed })
    }
}

pub(super) fn malformed(cause: &'static str) -> AuthError {
    AuthError::malformed().because(cause)
}

pub(super) fn invalid(cause: &'static str) -> AuthError {
    AuthError::invalid().because(cause)
}
