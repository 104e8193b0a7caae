//! Keys that sign tokens.

use std::fmt;

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
        Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512,
        RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
    },
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

/// The signature algorithm of a key: the `alg` of its tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "RFC 7518, section 3.1 and RFC 8037 define them")]
#[non_exhaustive]
pub enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    /// Ed25519, whose `alg` is `EdDSA`.
    EdDSA,
}

impl Algorithm {
    /// All algorithms.
    pub const ALL: [Algorithm; 9] = [
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::EdDSA,
    ];
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A key pair that signs tokens.
///
/// ```
/// use tonic_guard::jwt::KeySet;
/// use tonic_guard_test::{Algorithm, SigningKey};
///
/// let key = SigningKey::generate("key-1", Algorithm::ES256);
/// let jwks = format!(r#"{{"keys": [{}]}}"#, key.jwk());
/// assert!(KeySet::from_jwks(&jwks).is_ok());
///
/// // A verifier with this key rejects the token, because it has no claims.
/// let token = key.sign(r#"{"alg": "ES256", "typ": "at+jwt", "kid": "key-1"}"#, "{}");
/// ```
pub struct SigningKey {
    id: String,
    algorithm: Algorithm,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

impl SigningKey {
    /// Generates a key. `id` is its `kid`. RSA keys have 2048 bits.
    ///
    /// # Panics
    /// When the system has no source of random numbers.
    pub fn generate(id: impl Into<String>, algorithm: Algorithm) -> SigningKey {
        let expected = "the system has a source of random numbers";
        let rsa = |encoding| {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect(expected);
            Pair::Rsa(pair, encoding)
        };
        let pair = match algorithm {
            Algorithm::RS256 => rsa(&RSA_PKCS1_SHA256),
            Algorithm::RS384 => rsa(&RSA_PKCS1_SHA384),
            Algorithm::RS512 => rsa(&RSA_PKCS1_SHA512),
            Algorithm::PS256 => rsa(&RSA_PSS_SHA256),
            Algorithm::PS384 => rsa(&RSA_PSS_SHA384),
            Algorithm::PS512 => rsa(&RSA_PSS_SHA512),
            Algorithm::ES256 => {
                Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect(expected))
            }
            Algorithm::ES384 => {
                Pair::Ec(EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).expect(expected))
            }
            Algorithm::EdDSA => Pair::Ed(Ed25519KeyPair::generate().expect(expected)),
        };
        SigningKey { id: id.into(), algorithm, pair }
    }

    /// Returns the `kid`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the signature algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the public key as a JWK (RFC 7517), with `kid`, `alg` and `use`.
    pub fn jwk(&self) -> Value {
        let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match &self.pair {
            Pair::Rsa(pair, _) => {
                let key = pair.public_key();
                let (n, e) = (key.modulus(), key.exponent());
                let (n, e) =
                    (n.big_endian_without_leading_zero(), e.big_endian_without_leading_zero());
                json!({"kty": "RSA", "n": text(n), "e": text(e)})
            }
            Pair::Ec(pair) => {
                let (_, point) = pair.public_key().as_ref().split_at(1);
                let (x, y) = point.split_at(point.len() / 2);
                let crv = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({"kty": "EC", "crv": crv, "x": text(x), "y": text(y)})
            }
            Pair::Ed(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": text(pair.public_key().as_ref())})
            }
        };
        for (name, value) in
            [("kid", self.id.clone()), ("alg", self.algorithm.to_string()), ("use", "sig".into())]
        {
            jwk[name] = value.into();
        }
        jwk
    }

    /// Returns the public key as PEM (SubjectPublicKeyInfo, RFC 7468, section 13).
    ///
    /// # Panics
    /// Never: a generated key can sign and be encoded.
    pub fn pem(&self) -> String {
        let der: Result<PublicKeyX509Der<'_>, _> = match &self.pair {
            Pair::Rsa(pair, _) => pair.public_key().as_der(),
            Pair::Ec(pair) => pair.public_key().as_der(),
            Pair::Ed(pair) => pair.public_key().as_der(),
        };
        let der = der.expect("a generated key has a public key");
        let body = BASE64_STANDARD.encode(der.as_ref());
        let lines: Vec<_> = body.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }

    /// Signs any header and payload, and returns the JWS in compact form (RFC 7515, section 3.1).
    ///
    /// Neither of them is checked, so that a test can make malformed tokens.
    ///
    /// # Panics
    /// Never: a generated key can sign and be encoded.
    pub fn sign(&self, header: &str, payload: &str) -> String {
        let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let message = format!("{}.{}", text(header.as_bytes()), text(payload.as_bytes()));
        let signature = text(&self.signature(message.as_bytes()));
        format!("{message}.{signature}")
    }

    /// Returns the signature of any message, in the format of a JWS (RFC 7518, section 3).
    ///
    /// # Panics
    /// Never: a generated key can sign and be encoded.
    pub fn signature(&self, message: &[u8]) -> Vec<u8> {
        let expected = "a generated key can sign";
        match &self.pair {
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &SystemRandom::new(), message, &mut signature)
                    .expect(expected);
                signature
            }
            Pair::Ec(pair) => {
                pair.sign(&SystemRandom::new(), message).expect(expected).as_ref().to_vec()
            }
            Pair::Ed(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("id", &self.id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// Signs any header and payload by HS256, for services that share a secret with their issuer.
///
/// Returns the JWS in compact form (RFC 7515, section 3.1). Neither header nor payload is checked.
pub fn sign_hs256(secret: &[u8], header: &str, payload: &str) -> String {
    let text = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let message = format!("{}.{}", text(header.as_bytes()), text(payload.as_bytes()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let signature = hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", text(signature.as_ref()))
}
