use std::collections::HashMap;

use tonic::body::Body as TonicBody;
use tonic_types::ErrorDetails;

use super::*;

fn unauthenticated(infos: &[(&str, &[(&str, &str)])]) -> Response<TonicBody> {
    let details = infos.iter().map(|(reason, metadata)| {
        let pairs = metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        ErrorDetail::ErrorInfo(ErrorInfo::new(*reason, "d", pairs.collect::<HashMap<_, _>>()))
    });
    let details: Vec<_> = details.collect();
    Status::with_error_details_vec(Code::Unauthenticated, "no", details).into_http()
}

fn classified(infos: &[(&str, &[(&str, &str)])], path: &str) -> Classification {
    classify(&unauthenticated(infos), &path.parse().unwrap())
}

const CALL: &str = "/shop.v1.Orders/List";

fn rejected(names_call: bool) -> Classification {
    Classification::CredentialRejected { names_call, pushback: Pushback::After(Duration::ZERO) }
}

#[test]
fn rejection_may_name_this_call_or_another_or_none() {
    let service = ("service", "shop.v1.Orders");
    let method = ("method", "List");
    let cases: &[(&[(&str, &str)], Classification)] = &[
        (&[], rejected(false)),
        (&[service], rejected(false)),
        (&[method], rejected(false)),
        (&[service, method], rejected(true)),
        (&[("scheme", "bearer")], rejected(false)),
        (&[("service", "shop.v1.Order"), method], Classification::NotRetryable),
        (&[("service", "shop.v1.Orders2"), method], Classification::NotRetryable),
        (&[("service", "v1.Orders"), method], Classification::NotRetryable),
        (&[("service", ""), method], Classification::NotRetryable),
        (&[service, ("method", "Lis")], Classification::NotRetryable),
        (&[service, ("method", "list")], Classification::NotRetryable),
        (&[service, ("method", "")], Classification::NotRetryable),
        // The form of Google's services.
        (&[("service", "shop.example"), ("method", "shop.v1.Orders.List")], rejected(true)),
        (&[("method", "shop.v1.Orders/List")], rejected(true)),
        (&[("method", "/shop.v1.Orders/List")], rejected(true)),
        (
            &[("service", "shop.example"), ("method", "shop.v1.Orders.Lists")],
            Classification::NotRetryable,
        ),
        (
            &[("service", "shop.example"), ("method", "a.shop.v1.Orders.List")],
            Classification::NotRetryable,
        ),
        (&[("service", "shop.example"), ("method", "Orders.List")], Classification::NotRetryable),
        (
            &[("service", "shop.example"), ("method", "shop.v1.OrdersList")],
            Classification::NotRetryable,
        ),
        (&[("service", "shop.example")], Classification::NotRetryable),
    ];
    for (metadata, expected) in cases {
        assert_eq!(classified(&[("X", metadata)], CALL), *expected, "{metadata:?}");
        // An origin with a path adds a prefix to the path of the call.
        assert_eq!(classified(&[("X", metadata)], "/below/shop.v1.Orders/List"), *expected);
    }
}

#[test]
fn error_info_of_another_call_prevents_the_retry() {
    let this: &[_] = &[("service", "shop.v1.Orders"), ("method", "List")];
    let other: &[_] = &[("service", "stock.v1.Stock"), ("method", "Take")];
    assert_eq!(classified(&[("X", this), ("X", other)], CALL), Classification::NotRetryable);
    assert_eq!(classified(&[("X", other), ("X", this)], CALL), Classification::NotRetryable);
    assert_eq!(
        classified(&[("X", this), ("CREDENTIALS_MISSING", this)], CALL),
        Classification::NotRetryable
    );
    assert_eq!(classified(&[("X", this), ("X", &[])], CALL), rejected(true));
}

#[test]
fn reasons_without_a_retry() {
    for (reason, retryable) in [
        ("CREDENTIALS_MISSING", false),
        ("OVERLOADED_CREDENTIALS", false),
        ("CREDENTIALS_MALFORMED", false),
        ("CREDENTIAL_TYPE_UNSUPPORTED", false),
        ("JWT_TOKEN_INVALID", true),
        ("API_KEY_INVALID", true),
        ("CREDENTIALS_INVALID", true),
        ("ACCESS_TOKEN_EXPIRED", true),
        ("SOMETHING_ELSE", true),
    ] {
        let expected = if retryable { rejected(false) } else { Classification::NotRetryable };
        assert_eq!(classified(&[(reason, &[])], CALL), expected, "{reason}");
    }
}

#[test]
fn details_other_than_error_info_are_ignored() {
    let details = ErrorDetails::with_debug_info(vec!["a".to_owned()], "b");
    let response = Status::with_error_details(Code::Unauthenticated, "no", details);
    assert_eq!(
        classify::<TonicBody>(&response.into_http(), &CALL.parse().unwrap()),
        rejected(false)
    );
}

#[test]
fn pushback_is_parsed_by_the_rules_of_a6() {
    let millis = |millis| Pushback::After(Duration::from_millis(millis));
    let cases = [
        ("0", millis(0)),
        ("1", millis(1)),
        ("60000", millis(60_000)),
        ("60001", Pushback::Never),
        ("2147483647", Pushback::Never),
        ("2147483648", Pushback::Never),
        ("-1", Pushback::Never),
        ("-0", Pushback::Never),
        ("", Pushback::Never),
        ("00", Pushback::Never),
        ("01", Pushback::Never),
        ("+1", Pushback::Never),
        (" 1", Pushback::Never),
        ("1.5", Pushback::Never),
        ("one", Pushback::Never),
    ];
    for (text, expected) in cases {
        let mut headers = HeaderMap::new();
        headers.insert(PUSHBACK, text.parse().unwrap());
        assert_eq!(pushback(&headers), expected, "{text:?}");
    }
    assert_eq!(pushback(&HeaderMap::new()), millis(0));
}
