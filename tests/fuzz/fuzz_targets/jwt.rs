//! Tokens with a header and a payload of arbitrary bytes, signed or not. Unsigned ones are
//! rejected, and signed ones are admitted only if a few lines of reference admit them, too.

#![no_main]

use std::{
    sync::LazyLock,
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{Extensions, HeaderMap, HeaderValue, header::AUTHORIZATION};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tokio::runtime::Runtime;
use tonic_guard::{
    Authenticate, CallHead, Scheme,
    jwt::{Claims, JwtVerifier, Key},
    scheme::Bearer,
};

const SECRET: &[u8] = b"a secret of two hundred and fifty six bits, and more";

static VERIFIER: LazyLock<JwtVerifier<Claims>> = LazyLock::new(|| {
    let key = Key::hs256(SECRET).expect("a long secret");
    JwtVerifier::access_tokens("https://id.example", "orders").cache_bytes(1 << 16).build(key)
});

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime")
});

/// The reference's decision on a token with a good signature.
fn may_be_taken(header: &[u8], payload: &[u8]) -> bool {
    let read = |json| serde_json::from_slice::<Value>(json).ok();
    let (Some(header), Some(payload)) = (read(header), read(payload)) else { return false };
    let for_us = |aud: &Value| match aud {
        Value::String(aud) => aud == "orders",
        Value::Array(all) => all.iter().any(|aud| aud == "orders"),
        _ => false,
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |now| now.as_secs_f64());
    let typ = header["typ"].as_str().map(str::to_ascii_lowercase);
    header["alg"] == "HS256"
        && matches!(typ.as_deref(), Some("at+jwt" | "application/at+jwt"))
        && header.get("crit").is_none()
        && payload["iss"] == "https://id.example"
        && payload.get("aud").is_some_and(for_us)
        && payload["exp"].as_f64().is_some_and(|exp| exp > now - 61.0)
        && payload.get("nbf").is_none_or(|nbf| nbf.as_f64().is_some_and(|nbf| nbf < now + 61.0))
        && payload.get("cnf").is_none()
}

fuzz_target!(|data: &[u8]| {
    let Some((how, data)) = data.split_first() else { return };
    let mut parts = data.splitn(3, |byte| *byte == b'\n');
    let (header, payload) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let encode = |part| URL_SAFE_NO_PAD.encode(part);
    let content = format!("{}.{}", encode(header), encode(payload));
    let signed = how % 2 == 0;
    let token = if signed {
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
        format!("{content}.{}", encode(hmac::sign(&key, content.as_bytes()).as_ref()))
    } else if how % 4 == 1 {
        format!("{content}.{}", encode(parts.next().unwrap_or_default()))
    } else {
        String::from_utf8_lossy(data).into_owned()
    };
    let Ok(value) = HeaderValue::from_str(&format!("Bearer {token}")) else { return };
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, value);
    let extensions = Extensions::new();
    let found = Bearer::new().extract(&CallHead::new(&headers, &extensions));
    let Some(token) = found.ok().and_then(|found| found.credentials()) else { return };
    // Twice, because the second may be answered from the cache.
    for _ in 0..2 {
        let verdict = RUNTIME.block_on(VERIFIER.authenticate(token.clone()));
        if verdict.is_ok() {
            assert!(signed, "an unsigned token is admitted: {token:?}");
            assert!(may_be_taken(header, payload), "{header:?} {payload:?}");
        }
    }
});
