use std::collections::HashMap;

use tonic::body::Body as TonicBody;
use tonic_types::ErrorDetails;

use super::*;

fn refused(infos: &[(&str, &[(&str, &str)])]) -> Response<TonicBody> {
    let details = infos.iter().map(|(reason, metadata)| {
        let pairs = metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        ErrorDetail::ErrorInfo(ErrorInfo::new(*reason, "d", pairs.collect::<HashMap<_, _>>()))
    });
    let details: Vec<_> = details.collect();
    Status::with_error_details_vec(Code::Unauthenticated, "no", details).into_http()
}

fn answer(infos: &[(&str, &[(&str, &str)])], path: &str) -> Answer {
    read(&refused(infos), &path.parse().unwrap())
}

const CALL: &str = "/shop.v1.Orders/List";

fn named(named: bool) -> Answer {
    Answer::Refused { named, pushback: Pushback::After(Duration::ZERO) }
}

#[test]
fn a_refusal_names_this_call_or_another_or_none() {
    let service = ("service", "shop.v1.Orders");
    let method = ("method", "List");
    let cases: &[(&[(&str, &str)], Answer)] = &[
        (&[], named(false)),
        (&[service], named(false)),
        (&[method], named(false)),
        (&[service, method], named(true)),
        (&[("scheme", "bearer")], named(false)),
        (&[("service", "shop.v1.Order"), method], Answer::NotCurable),
        (&[("service", "shop.v1.Orders2"), method], Answer::NotCurable),
        (&[("service", "v1.Orders"), method], Answer::NotCurable),
        (&[("service", ""), method], Answer::NotCurable),
        (&[service, ("method", "Lis")], Answer::NotCurable),
        (&[service, ("method", "list")], Answer::NotCurable),
        (&[service, ("method", "")], Answer::NotCurable),
        // As Google's services name them.
        (&[("service", "shop.example"), ("method", "shop.v1.Orders.List")], named(true)),
        (&[("method", "shop.v1.Orders/List")], named(true)),
        (&[("method", "/shop.v1.Orders/List")], named(true)),
        (&[("service", "shop.example"), ("method", "shop.v1.Orders.Lists")], Answer::NotCurable),
        (&[("service", "shop.example"), ("method", "a.shop.v1.Orders.List")], Answer::NotCurable),
        (&[("service", "shop.example"), ("method", "Orders.List")], Answer::NotCurable),
        (&[("service", "shop.example"), ("method", "shop.v1.OrdersList")], Answer::NotCurable),
        (&[("service", "shop.example")], Answer::NotCurable),
    ];
    for (metadata, expected) in cases {
        assert_eq!(answer(&[("X", metadata)], CALL), *expected, "{metadata:?}");
        // A client made with an origin that has a path calls below it.
        assert_eq!(answer(&[("X", metadata)], "/below/shop.v1.Orders/List"), *expected);
    }
}

#[test]
fn one_of_several_that_names_another_call_is_enough() {
    let this: &[_] = &[("service", "shop.v1.Orders"), ("method", "List")];
    let other: &[_] = &[("service", "stock.v1.Stock"), ("method", "Take")];
    assert_eq!(answer(&[("X", this), ("X", other)], CALL), Answer::NotCurable);
    assert_eq!(answer(&[("X", other), ("X", this)], CALL), Answer::NotCurable);
    assert_eq!(answer(&[("X", this), ("CREDENTIALS_MISSING", this)], CALL), Answer::NotCurable);
    assert_eq!(answer(&[("X", this), ("X", &[])], CALL), named(true));
}

#[test]
fn reasons_that_a_new_token_does_not_cure() {
    for (reason, curable) in [
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
        let expected = if curable { named(false) } else { Answer::NotCurable };
        assert_eq!(answer(&[(reason, &[])], CALL), expected, "{reason}");
    }
}

#[test]
fn details_besides_an_error_info_say_nothing() {
    let details = ErrorDetails::with_debug_info(vec!["a".to_owned()], "b");
    let response = Status::with_error_details(Code::Unauthenticated, "no", details);
    assert_eq!(read::<TonicBody>(&response.into_http(), &CALL.parse().unwrap()), named(false));
}

#[test]
fn pushback_is_read_as_a6_says() {
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
