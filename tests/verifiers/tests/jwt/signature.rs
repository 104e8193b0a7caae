//! Signatures that aren't the issuer's.

use tonic_guard_test::{Algorithm, Issuer};

use crate::support::{Fixture, INVALID, ISSUER, base64url};

#[tokio::test]
async fn signature_of_another_issuers_key_is_rejected() {
    for algorithm in Algorithm::ALL {
        let issuer = Issuer::with_algorithm(ISSUER, algorithm);
        let fixture = Fixture::of(issuer, |verifier| verifier).await;
        // An issuer of the same name with the same `kid`.
        let other = Issuer::with_algorithm(ISSUER, algorithm);
        let token = other.access_token(crate::support::AUDIENCE).sign();
        fixture.rejects(INVALID, [(algorithm, token)]).await;
    }
}

#[tokio::test]
async fn token_changed_after_signing_is_rejected() {
    for algorithm in Algorithm::ALL {
        let issuer = Issuer::with_algorithm(ISSUER, algorithm);
        let fixture = Fixture::of(issuer, |verifier| verifier).await;
        let good = fixture.token().sign();
        let parts: Vec<_> = good.split('.').collect();
        let other = fixture.token().subject("eve").scope("accounts:close").payload();
        let signature = |change: fn(&mut Vec<u8>)| {
            let message = format!("{}.{}", parts[0], parts[1]);
            let mut bytes = fixture.issuer.signing_key().signature(message.as_bytes());
            change(&mut bytes);
            format!("{message}.{}", base64url(bytes))
        };
        let mut header = fixture.header();
        header["own"] = 1.into();
        let tokens = [
            ("payload", format!("{}.{}.{}", parts[0], base64url(other), parts[2])),
            ("header", format!("{}.{}.{}", base64url(header.to_string()), parts[1], parts[2])),
            ("no signature", format!("{}.{}.", parts[0], parts[1])),
            ("first byte", signature(|bytes| bytes[0] ^= 1)),
            ("last byte", signature(|bytes| *bytes.last_mut().unwrap() ^= 1)),
            ("a byte less", signature(|bytes| bytes.truncate(bytes.len() - 1))),
            ("a byte more", signature(|bytes| bytes.push(0))),
            ("a zero before", signature(|bytes| bytes.insert(0, 0))),
            ("zeros", signature(|bytes| bytes.fill(0))),
            ("ones", signature(|bytes| bytes.fill(0xff))),
            ("twice", signature(|bytes| bytes.extend_from_within(..))),
            ("one byte", signature(|bytes| bytes.truncate(1))),
        ];
        fixture.admits(&good).await;
        for (name, token) in tokens {
            let outcome = fixture.serving.bearer(&token).await;
            assert_eq!(outcome, Err(INVALID.into()), "{algorithm}: {name}");
        }
    }
}

/// The DER of an ECDSA signature: SEQUENCE of two INTEGERs.
fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len() - 1);
        let mut bytes = bytes[start..].to_vec();
        if bytes[0] >= 0x80 {
            bytes.insert(0, 0);
        }
        [vec![0x02, bytes.len() as u8], bytes].concat()
    };
    let (r, s) = signature.split_at(signature.len() / 2);
    let body = [integer(r), integer(s)].concat();
    [vec![0x30, body.len() as u8], body].concat()
}

#[tokio::test]
async fn ecdsa_signature_has_two_nonzero_numbers_of_full_size() {
    for algorithm in [Algorithm::ES256, Algorithm::ES384] {
        let issuer = Issuer::with_algorithm(ISSUER, algorithm);
        let fixture = Fixture::of(issuer, |verifier| verifier).await;
        let key = fixture.issuer.signing_key();
        let message = format!(
            "{}.{}",
            base64url(fixture.header().to_string()),
            base64url(fixture.token().payload())
        );
        let good = key.signature(message.as_bytes());
        let (r, s) = good.split_at(good.len() / 2);
        let zero = vec![0; r.len()];
        let with = |signature: &[u8]| format!("{message}.{}", base64url(signature));
        fixture.admits(&with(&good)).await;
        let tokens = [
            ("all zero", with(&[zero.clone(), zero.clone()].concat())),
            ("r zero", with(&[&zero, s].concat())),
            ("s zero", with(&[r, &zero].concat())),
            ("empty", with(&[])),
            ("DER", with(&der(&good))),
            ("DER of zeros", with(&[0x30, 6, 2, 1, 0, 2, 1, 0])),
            ("s, r", with(&[s, r].concat())),
            ("r alone", with(r)),
        ];
        fixture.rejects(INVALID, tokens).await;
    }
}
