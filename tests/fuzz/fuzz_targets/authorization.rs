//! The `authorization` header: any number of arbitrary values, read as a bearer token and as a
//! password.

#![no_main]

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Extensions, HeaderMap, HeaderValue, header::AUTHORIZATION};
use libfuzzer_sys::fuzz_target;
use tonic_guard::{
    CallHead, Scheme,
    scheme::{Basic, Bearer, ExtractError, Extraction},
};

fuzz_target!(|data: &[u8]| {
    let mut headers = HeaderMap::new();
    // Each line is a value, because a value can't contain a line end.
    for value in data.split(|byte| *byte == b'\n').take(3) {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(AUTHORIZATION, value);
        }
    }
    let extensions = Extensions::new();
    let head = CallHead::new(&headers, &extensions);
    let (token, password) = (Bearer::new().extract(&head), Basic::new().extract(&head));
    let values: Vec<_> = headers.get_all(AUTHORIZATION).iter().map(HeaderValue::as_bytes).collect();
    let [value] = values[..] else {
        // No value, or several values, which are rejected.
        let absent = values.is_empty();
        assert_eq!(matches!(token, Ok(Extraction::Absent)), absent);
        assert_eq!(matches!(password, Ok(Extraction::Absent)), absent);
        assert_eq!(matches!(token, Err(ExtractError::Duplicate)), !absent);
        assert_eq!(matches!(password, Err(ExtractError::Duplicate)), !absent);
        return;
    };
    assert!(
        !matches!(token, Ok(Extraction::Absent)) && !matches!(password, Ok(Extraction::Absent))
    );
    let both = token.as_ref().ok().and_then(|found| match found {
        Extraction::Credentials(token) => Some(token),
        _ => None,
    });
    if let Some(token) = both {
        // The token is at the end, after the scheme and spaces alone.
        let text = std::str::from_utf8(value).expect("a token is ASCII");
        let (word, rest) = text.split_once(' ').expect("a space before the token");
        assert!(word.eq_ignore_ascii_case("bearer"));
        assert_eq!(rest.trim_start_matches(' '), token.as_str());
        let body = token.as_str().trim_end_matches('=');
        let in_a_body = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
        assert!(!body.is_empty() && body.chars().all(in_a_body));
        assert!(matches!(password, Ok(Extraction::OtherScheme)), "one value belongs to one scheme");
    }
    if let Ok(Extraction::Credentials(read)) = &password {
        let pair = format!("{}:{}", read.user_id(), read.password());
        assert!(!read.user_id().contains(':') && !pair.chars().any(char::is_control));
        assert!(value.ends_with(format!(" {}", STANDARD.encode(pair)).as_bytes()));
        assert!(matches!(token, Ok(Extraction::OtherScheme)), "one value belongs to one scheme");
    }
    for shown in [format!("{token:?}"), format!("{password:?}")] {
        assert!(!shown.contains("Credentials(") || shown.contains("[redacted]"), "{shown}");
    }
});
