//! Of all inputs, only the issued key is admitted.

use http::{Extensions, HeaderMap, HeaderValue};
use proptest::prelude::*;
use tonic_guard::{
    Authenticate, CallHead, Scheme,
    api_keys::{ApiKeys, GeneratedKey, KeyHash},
    scheme::ApiKey,
};
use tonic_guard_suite_support::TempFile;

use crate::{Partner, new_key};

/// Whether these keys admit `key`, checked without a server.
fn admits(keys: &ApiKeys<Partner>, key: &str) -> bool {
    let (mut headers, extensions) = (HeaderMap::new(), Extensions::new());
    headers.insert("x-api-key", HeaderValue::from_str(key).unwrap());
    let found = ApiKey::new().extract(&CallHead::new(&headers, &extensions)).unwrap();
    let answer = Authenticate::<ApiKey>::authenticate(keys, found.credentials().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(answer).is_ok()
}

/// An edit of a key: the position, the number of removed characters, and the inserted text.
fn edit() -> impl Strategy<Value = (usize, usize, String)> {
    (0..80_usize, 0..3_usize, "[0-9A-Za-z_-]{0,3}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn only_the_exact_key_is_admitted(edits in prop::collection::vec(edit(), 0..3)) {
        let (good, record) = new_key();
        let keys = ApiKeys::new([(Partner::new("acme"), vec![record])]).unwrap();
        let mut edited = good.clone();
        for (at, out, new) in edits {
            let at = at.min(edited.len());
            edited.replace_range(at..(at + out).min(edited.len()), &new);
        }
        prop_assume!(!edited.is_empty());
        prop_assert_eq!(admits(&keys, &edited), edited == good);
    }

    #[test]
    fn arbitrary_text_is_rejected(text in "[!-+\\--~]{1,90}") {
        let keys = ApiKeys::new([(Partner::new("acme"), vec![new_key().1])]).unwrap();
        prop_assert!(!admits(&keys, &text));
    }

    #[test]
    fn prefix_makes_a_good_key_or_an_error(prefix in "[a-z0-9_A-]{0,34}") {
        if let Ok(new) = GeneratedKey::new(&prefix) {
            let keys = ApiKeys::new([(Partner::new("acme"), vec![new.record().clone()])]).unwrap();
            prop_assert!(admits(&keys, new.key()));
        }
    }

    #[test]
    fn hash_parses_exactly_its_format(text in "(sha256:)?[0-9a-fA-Fg]{62,66}") {
        let digits = text.strip_prefix("sha256:");
        let whole = digits.is_some_and(|digits| digits.len() == 64 && !digits.contains('g'));
        match text.parse::<KeyHash>() {
            Ok(hash) => {
                prop_assert!(whole);
                prop_assert_eq!(hash.to_string(), text.to_ascii_lowercase());
            }
            Err(_) => prop_assert!(!whole),
        }
    }

    #[test]
    fn parsed_hash_round_trips(text in ".{0,80}") {
        if let Ok(hash) = text.parse::<KeyHash>() {
            prop_assert_eq!(hash.to_string(), text.to_ascii_lowercase());
        }
    }

    #[test]
    fn expiry_is_a_time_or_an_error(end in prop_oneof![
        "[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{0,12})?([Zz]|[+-][0-9]{2}:[0-9]{2})?",
        "[ -!#-\\[\\]-~]{0,30}",
    ]) {
        let record = new_key().1.to_string().replace('}', &format!(r#", "expires": "{end}"}}"#));
        let content = format!(r#"[{{"identity": {{"name": "acme"}}, "keys": [{record}]}}]"#);
        let file = TempFile::new("end-property", &content);
        // RFC 3339, section 5.6, approximated by a pattern.
        let shape = end.len() >= 20 && end.is_ascii() && end.as_bytes()[4] == b'-' && end.as_bytes()[13] == b':';
        let read = ApiKeys::<Partner>::from_file(file.path());
        prop_assert!(shape || read.is_err());
    }
}
