//! `one_of`, `all_of` and `optional`.

use tonic::Code;
use tonic_guard::{
    AuthError, Authenticate, Authenticated, authenticated,
    scheme::{ApiKey, Bearer, BearerToken},
};
use tonic_guard_suite_support::{
    Caller, Keys, Partner, User, pb::Note, pb::extra_server::Extra, reason,
};

use crate::support::service::{
    ACME, ADA, ADAS_PASSWORD, EVE, Ran, call, says, serve_guarded, serve_without_guard,
};

service!(TokenFirst: [scheme = one_of("bearer", "basic", "api-key")] => Caller);
service!(PasswordFirst: [scheme = one_of("basic", "bearer")] => Caller);
service!(Both: [scheme = all_of("bearer", "api-key"), scopes("write")] => (User, Partner));
service!(Perhaps: [scheme = optional("bearer")] => Option<User>);
service!(PerhapsAny: [scheme = optional(one_of("bearer", "api-key"))] => Option<Caller>);

/// Asserts the outcome of each call with and without a guard: the reason of a rejection, or a text
/// in the answer.
macro_rules! assert_outcomes {
    ($service:ident, $($headers:expr => $outcome:expr),+ $(,)?) => {
        for with_guard in [true, false] {
            let service = $service::default();
            let ran = service.ran.clone();
            let server = match with_guard {
                true => serve_guarded(service).await,
                false => serve_without_guard(service).await,
            };
            $(
                let headers: &[(&str, &str)] = $headers;
                let before = ran.times();
                let outcome: Result<&str, &str> = $outcome;
                match (call(&server, headers).await, outcome) {
                    (Ok(text), Ok(part)) => assert!(text.contains(part), "{headers:?}: {text}"),
                    (Err(status), Err(why)) => {
                        assert_eq!(reason(&status), why, "{headers:?}");
                        assert_eq!(ran.times(), before, "{headers:?} was rejected after the handler ran");
                    }
                    (answer, _) => panic!("{headers:?}: {answer:?} isn't {outcome:?}"),
                }
            )+
        }
    };
}
pub(super) use assert_outcomes;

const BAD_TOKEN: (&str, &str) = ("authorization", "Bearer nobodys-token");
const BAD_PASSWORD: (&str, &str) = ("authorization", "Basic YWRhOndyb25n");
const BAD_KEY: (&str, &str) = ("x-api-key", "key-9");
const OTHER_SCHEME: (&str, &str) = ("authorization", "Negotiate YQ==");

#[tokio::test]
async fn one_of_uses_the_scheme_that_the_call_carries() {
    assert_outcomes! { TokenFirst,
        &[ADA] => Ok("ada"),
        &[ADAS_PASSWORD] => Ok("ada"),
        &[ACME] => Ok("acme"),
        &[] => Err("CREDENTIALS_MISSING"),
    }
    assert_outcomes! { PasswordFirst,
        &[ADAS_PASSWORD] => Ok("read"),
        &[ADA] => Ok("read write"),
        &[ACME] => Err("CREDENTIALS_MISSING"),
    }
}

#[tokio::test]
async fn one_of_rejects_bad_credentials_instead_of_skipping_them() {
    assert_outcomes! { TokenFirst,
        &[BAD_TOKEN] => Err("CREDENTIALS_INVALID"),
        &[BAD_PASSWORD] => Err("CREDENTIALS_INVALID"),
        &[BAD_KEY] => Err("API_KEY_INVALID"),
        &[("authorization", "Bearer a b")] => Err("CREDENTIALS_MALFORMED"),
        &[("authorization", "Basic !")] => Err("CREDENTIALS_MALFORMED"),
        &[OTHER_SCHEME] => Err("CREDENTIAL_TYPE_UNSUPPORTED"),
    }
}

#[tokio::test]
async fn one_of_rejects_credentials_in_two_headers() {
    assert_outcomes! { TokenFirst,
        &[ADA, ACME] => Err("OVERLOADED_CREDENTIALS"),
        &[ACME, ADA] => Err("OVERLOADED_CREDENTIALS"),
        &[ADA, BAD_KEY] => Err("OVERLOADED_CREDENTIALS"),
        &[BAD_KEY, ADA] => Err("OVERLOADED_CREDENTIALS"),
        &[BAD_TOKEN, ACME] => Err("OVERLOADED_CREDENTIALS"),
        &[ADAS_PASSWORD, ACME] => Err("OVERLOADED_CREDENTIALS"),
        &[ADA, ADAS_PASSWORD] => Err("OVERLOADED_CREDENTIALS"),
        &[ACME, ACME] => Err("OVERLOADED_CREDENTIALS"),
        &[OTHER_SCHEME, ACME] => Err("CREDENTIAL_TYPE_UNSUPPORTED"),
    }
}

#[tokio::test]
async fn all_of_requires_every_credential_and_returns_a_tuple() {
    assert_outcomes! { Both,
        &[ADA, ACME] => Ok(r#"Partner("acme"))"#),
        &[ACME, ADA] => Ok(r#"(User { name: "ada""#),
        &[ADA] => Err("CREDENTIALS_MISSING"),
        &[ACME] => Err("CREDENTIALS_MISSING"),
        &[] => Err("CREDENTIALS_MISSING"),
        &[ADA, BAD_KEY] => Err("API_KEY_INVALID"),
        &[BAD_TOKEN, ACME] => Err("CREDENTIALS_INVALID"),
        &[ADA, ACME, ACME] => Err("OVERLOADED_CREDENTIALS"),
        &[ADA, ADA, ACME] => Err("OVERLOADED_CREDENTIALS"),
        &[OTHER_SCHEME, ACME] => Err("CREDENTIAL_TYPE_UNSUPPORTED"),
        &[("authorization", "Bearer"), ACME] => Err("CREDENTIALS_MALFORMED"),
        &[EVE, ACME] => Err("ACCESS_TOKEN_SCOPE_INSUFFICIENT"),
    }
}

#[tokio::test]
async fn optional_admits_absent_credentials_and_rejects_bad_ones() {
    assert_outcomes! { Perhaps,
        &[] => Ok("None"),
        &[ADA] => Ok("Some(User { name: \"ada\""),
        &[ACME] => Ok("None"),
        &[ADAS_PASSWORD] => Err("CREDENTIAL_TYPE_UNSUPPORTED"),
        &[("authorization", "Basic x")] => Err("CREDENTIAL_TYPE_UNSUPPORTED"),
        &[("authorization", "Bearertok")] => Err("CREDENTIAL_TYPE_UNSUPPORTED"),
        &[("authorization", "Bearer")] => Err("CREDENTIALS_MALFORMED"),
        &[("authorization", "Bearer ")] => Err("CREDENTIALS_MALFORMED"),
        &[("authorization", "")] => Err("CREDENTIALS_MALFORMED"),
        &[BAD_TOKEN] => Err("CREDENTIALS_INVALID"),
        &[("authorization", "Bearer old-token")] => Err("ACCESS_TOKEN_EXPIRED"),
        &[ADA, ADA] => Err("OVERLOADED_CREDENTIALS"),
    }
    assert_outcomes! { PerhapsAny,
        &[] => Ok("None"),
        &[ADA] => Ok("Some(User"),
        &[ACME] => Ok("Some(Partner"),
        &[ADA, ACME] => Err("OVERLOADED_CREDENTIALS"),
        &[BAD_KEY] => Err("API_KEY_INVALID"),
        &[OTHER_SCHEME] => Err("CREDENTIAL_TYPE_UNSUPPORTED"),
        &[OTHER_SCHEME, ACME] => Err("CREDENTIAL_TYPE_UNSUPPORTED"),
    }
}

/// Counts the tokens it gets, and accepts each.
#[derive(Clone, Default)]
struct Counting(Ran);

impl Authenticate<Bearer> for Counting {
    type Identity = ();

    async fn authenticate(&self, _: BearerToken) -> Result<Authenticated<()>, AuthError> {
        self.0.once();
        Ok(().into())
    }
}

#[derive(Authenticate, Default)]
struct Counted {
    #[verifies("bearer")]
    tokens: Counting,
    #[verifies("api-key")]
    keys: Keys,
}

#[authenticated]
#[tonic::async_trait]
impl Extra for Counted {
    #[authenticated(scheme = all_of("bearer", "api-key"))]
    async fn unary(&self, _: tonic::Request<Note>) -> Result<tonic::Response<Note>, tonic::Status> {
        says("")
    }

    #[authenticated(scheme = one_of(ApiKey::new(), "bearer"))]
    async fn get_url(
        &self,
        _: tonic::Request<Note>,
    ) -> Result<tonic::Response<Note>, tonic::Status> {
        says("")
    }
}

#[tokio::test]
async fn all_of_extracts_every_credential_before_it_verifies_one() {
    for with_guard in [true, false] {
        let service = Counted::default();
        let verified = service.tokens.0.clone();
        let server = match with_guard {
            true => serve_guarded(service).await,
            false => serve_without_guard(service).await,
        };
        for headers in [&[ADA][..], &[ADA, ("x-api-key", "a b")], &[ADA, ACME, ACME]] {
            let rejected = call(&server, headers).await.unwrap_err();
            assert_eq!(rejected.code(), Code::Unauthenticated);
            assert_eq!(verified.times(), 0, "{headers:?}");
        }
        assert!(call(&server, &[ADA, ACME]).await.is_ok());
        assert_eq!(verified.times(), 1, "once, with or without a guard");
    }
}
