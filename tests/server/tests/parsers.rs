//! A scheme extracts or rejects the value of any header: it never panics, and extracted credentials
//! follow the grammar.

#![allow(clippy::unwrap_used, reason = "a test")]

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Extensions, HeaderMap, HeaderValue};
use proptest::prelude::*;
use tonic_guard::{
    CallHead, Scheme,
    scheme::{ApiKey, Basic, Bearer, ExtractError, Extraction},
};

/// Any bytes that a header can hold, and values that are close to credentials.
fn header_value() -> impl Strategy<Value = HeaderValue> {
    let noise = prop::collection::vec(any::<u8>(), 0..80);
    let near = ("(?i:bearer|basic|token|b)", "[ \t,=]{0,3}", "[A-Za-z0-9._~+/=,: -]{0,60}")
        .prop_map(|(word, gap, rest)| format!("{word}{gap}{rest}").into_bytes());
    let basic = prop::collection::vec(any::<u8>(), 0..40)
        .prop_map(|bytes| format!("Basic {}", STANDARD.encode(bytes)).into_bytes());
    prop_oneof![noise, near, basic].prop_filter_map("no header can hold it", |bytes: Vec<u8>| {
        HeaderValue::from_bytes(&bytes).ok()
    })
}

fn extract<S: Scheme>(
    scheme: S,
    name: &'static str,
    values: &[HeaderValue],
) -> Result<Extraction<S::Credentials>, ExtractError> {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(name, value.clone());
    }
    let extensions = Extensions::new();
    scheme.extract(&CallHead::new(&headers, &extensions))
}

/// RFC 9110, section 11.2, written in another way than in the library.
fn is_token68(token: &str) -> bool {
    let body = token.trim_end_matches('=');
    !body.is_empty() && body.chars().all(|c| c.is_ascii_alphanumeric() || "-._~+/".contains(c))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bearer_token_is_extracted_exactly_if_it_follows_the_grammar(value in header_value()) {
        let text = value.to_str().ok().map(str::to_owned);
        let expected = text.as_deref().and_then(|text| {
            let (word, rest) = text.split_once(' ')?;
            let token = rest.trim_start_matches(' ');
            (word.eq_ignore_ascii_case("bearer") && is_token68(token)).then(|| token.to_owned())
        });
        let found = extract(Bearer::new(), "authorization", &[value]);
        let read = found.ok().and_then(Extraction::credentials).map(|token| token.as_str().to_owned());
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn password_is_extracted_as_sent(value in header_value()) {
        if let Ok(Extraction::Credentials(read)) = extract(Basic::new(), "authorization", std::slice::from_ref(&value)) {
            let pair = format!("{}:{}", read.user_id(), read.password());
            prop_assert!(!read.user_id().contains(':'));
            prop_assert!(!pair.chars().any(char::is_control));
            let sent = value.to_str().unwrap().rsplit(' ').next().unwrap().to_owned();
            prop_assert_eq!(STANDARD.encode(pair), sent);
        }
    }

    #[test]
    fn any_user_id_and_password_without_control_characters_are_extracted(user in "[^:\\p{Cc}]{0,12}", password in "[^\\p{Cc}]{0,12}") {
        let value = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
        let found = extract(Basic::new(), "authorization", &[value.parse().unwrap()]);
        let read = found.ok().and_then(Extraction::credentials).unwrap();
        prop_assert_eq!((read.user_id(), read.password()), (user.as_str(), password.as_str()));
    }

    #[test]
    fn extracted_api_key_is_printable_and_complete(value in header_value()) {
        let whole = !value.is_empty() && value.as_bytes().iter().all(|b| b.is_ascii_graphic() && *b != b',');
        let found = extract(ApiKey::new(), "x-api-key", std::slice::from_ref(&value));
        let read = found.ok().and_then(Extraction::credentials).map(|key| key.as_str().to_owned());
        prop_assert_eq!(read, whole.then(|| value.to_str().unwrap().to_owned()));
    }

    #[test]
    fn two_values_are_duplicates(first in header_value(), second in header_value()) {
        let values = [first, second];
        prop_assert_eq!(extract(Bearer::new(), "authorization", &values).unwrap_err(), ExtractError::Duplicate);
        prop_assert_eq!(extract(Basic::new(), "authorization", &values).unwrap_err(), ExtractError::Duplicate);
        prop_assert_eq!(extract(ApiKey::new(), "x-api-key", &values).unwrap_err(), ExtractError::Duplicate);
    }
}
