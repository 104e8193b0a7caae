//! The header of an API key: any number of arbitrary values.

#![no_main]

use http::{Extensions, HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use tonic_guard::{
    CallHead, Scheme,
    scheme::{ApiKey, ExtractError, Extraction},
};

const NAME: &str = "x-ingest-key";

fuzz_target!(|data: &[u8]| {
    let mut headers = HeaderMap::new();
    // Each line is a value, because a value can't contain a line end.
    for value in data.split(|byte| *byte == b'\n').take(3) {
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(NAME, value);
        }
    }
    let extensions = Extensions::new();
    let found = ApiKey::header(NAME).extract(&CallHead::new(&headers, &extensions));
    let values: Vec<_> = headers.get_all(NAME).iter().map(HeaderValue::as_bytes).collect();
    match values[..] {
        [] => assert!(matches!(found, Ok(Extraction::Absent))),
        [value] => {
            let whole = |byte: &u8| byte.is_ascii_graphic() && *byte != b',';
            let good = !value.is_empty() && value.iter().all(whole);
            match found {
                Ok(Extraction::Credentials(key)) => {
                    assert!(good);
                    assert_eq!(key.as_str().as_bytes(), value);
                }
                found => assert!(!good && matches!(found, Err(ExtractError::Malformed))),
            }
        }
        _ => assert!(matches!(found, Err(ExtractError::Duplicate))),
    }
});
