//! Parses one key of a JWK set (RFC 7517; RFC 7518, section 6; RFC 8037, section 2).

use serde::Deserialize;

use super::{
    algorithm::Algorithm, base64url, issuer_pattern::IssuerPattern, key::Key,
    key_rejected::KeyRejected,
};

/// The origin of a JWK set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The service's own configuration, which may contain secrets.
    Local,
    /// A public document, in which no secret stays secret.
    #[cfg_attr(not(feature = "jwks"), allow(dead_code, reason = "only remote keys use it"))]
    Published,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    /// The issuer that uses the key, with a hole for the tenant. Only Microsoft Entra ID has it.
    issuer: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    k: Option<String>,
    d: Option<serde::de::IgnoredAny>,
}

const RSA: [Algorithm; 6] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
];

const SECRET: [Algorithm; 3] = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];

pub(super) fn parse(value: serde_json::Value, origin: Origin) -> Result<Key, KeyRejected> {
    let jwk: Jwk = serde_json::from_value(value).map_err(|_| KeyRejected::Unreadable)?;
    jwk.check_use()?;
    let secret = jwk.kty == "oct" || jwk.d.is_some();
    if secret && origin == Origin::Published {
        return Err(KeyRejected::PublishedSecret);
    }
    let key = match jwk.kty.as_str() {
        "RSA" => jwk.rsa()?,
        "EC" => jwk.ec()?,
        "OKP" => jwk.okp()?,
        "oct" => jwk.oct()?,
        _ => return Err(KeyRejected::Unsupported),
    };
    let key = match jwk.issuer {
        Some(issuer) => {
            key.for_issuer(IssuerPattern::parse(&issuer).map_err(|_| KeyRejected::Unreadable)?)
        }
        None => key,
    };
    Ok(match jwk.kid {
        Some(kid) => key.with_id(kid),
        None => key,
    })
}

impl Jwk {
    fn check_use(&self) -> Result<(), KeyRejected> {
        let usage = self.usage.as_deref().is_none_or(|usage| usage == "sig");
        let ops = self.key_ops.as_deref();
        let ops = ops.is_none_or(|ops| ops.iter().any(|op| op == "verify"));
        if usage && ops { Ok(()) } else { Err(KeyRejected::OtherUse) }
    }

    /// The algorithms that the key is bound to: its `alg`, or all of `possible` without one.
    fn algorithms(&self, possible: &[Algorithm]) -> Result<Vec<Algorithm>, KeyRejected> {
        let Some(name) = &self.alg else {
            return Ok(possible.to_vec());
        };
        let named = Algorithm::from_name(name).ok_or(KeyRejected::Unsupported)?;
        if possible.contains(&named) { Ok(vec![named]) } else { Err(KeyRejected::WrongAlgorithm) }
    }

    fn rsa(&self) -> Result<Key, KeyRejected> {
        Key::rsa(&self.algorithms(&RSA)?, &integer(&self.n)?, &integer(&self.e)?)
    }

    fn ec(&self) -> Result<Key, KeyRejected> {
        let (algorithm, size) = match self.crv.as_deref() {
            Some("P-256") => (Algorithm::ES256, 32),
            Some("P-384") => (Algorithm::ES384, 48),
            Some("P-521") => (Algorithm::ES512, 66),
            _ => return Err(KeyRejected::Unsupported),
        };
        self.algorithms(&[algorithm])?;
        let (x, y) = (bytes(&self.x)?, bytes(&self.y)?);
        // The coordinates have the full size of the curve's field (RFC 7518, section 6.2.1.2).
        if x.len() != size || y.len() != size {
            return Err(KeyRejected::Unreadable);
        }
        Key::curve(algorithm, &[&[0x04], x.as_slice(), y.as_slice()].concat())
    }

    fn okp(&self) -> Result<Key, KeyRejected> {
        if self.crv.as_deref() != Some("Ed25519") {
            return Err(KeyRejected::Unsupported);
        }
        self.algorithms(&[Algorithm::EdDSA])?;
        let x = bytes(&self.x)?;
        if x.len() != 32 {
            return Err(KeyRejected::Unreadable);
        }
        Key::curve(Algorithm::EdDSA, &x)
    }

    fn oct(&self) -> Result<Key, KeyRejected> {
        // Without an `alg`, a longer secret isn't bound to more than one algorithm.
        let algorithm = match self.algorithms(&SECRET)?.as_slice() {
            [named] => *named,
            _ => Algorithm::HS256,
        };
        Key::secret(algorithm, &bytes(&self.k)?)
    }
}

fn bytes(member: &Option<String>) -> Result<Vec<u8>, KeyRejected> {
    base64url::decode(member.as_deref().ok_or(KeyRejected::Unreadable)?)
        .map_err(|_| KeyRejected::Unreadable)
}

/// Decodes a positive integer. Some issuers write leading zeros, which are removed.
fn integer(member: &Option<String>) -> Result<Vec<u8>, KeyRejected> {
    let bytes = bytes(member)?;
    let start = bytes.iter().position(|byte| *byte != 0).ok_or(KeyRejected::Unreadable)?;
    Ok(bytes.get(start..).unwrap_or_default().to_vec())
}
