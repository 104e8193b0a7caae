//! The reference model: the meaning of the attribute's arguments, written as plainly as possible.

/// What a call carries.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) authorization: Vec<&'static str>,
    pub(crate) key: Vec<&'static str>,
    pub(crate) other_key: Vec<&'static str>,
    /// Whether the connection has a sidecar's certificate.
    pub(crate) sidecar: bool,
}

pub(crate) const AUTHORIZATIONS: &[&str] = &[
    "Bearer ada-token",
    "bearer eve-token",
    "BEARER  ada-token",
    "Bearer old-token",
    "Bearer nope",
    "Bearer",
    "Bearer ",
    "Bearer a b",
    "Bearer ada-token,Bearer ada-token",
    "Bearerada-token",
    "Basic YWRhOnBhOnNz",
    "basic YWRhOnBhOnNz",
    "Basic YWRhOm5vcGU=",
    "Basic !",
    "Basic YWRh",
    "Token x",
    "",
    "\t",
];

pub(crate) const KEYS: &[&str] = &["key-1", "key-2", "nope", "", "a b", "key-1,key-1"];

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Admitted(String),
    Rejected(String),
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum SchemeKind {
    Bearer,
    Basic,
    Key,
    OtherKey,
    Sidecar,
}

pub(crate) enum Schemes {
    OneOf(&'static [SchemeKind]),
    AllOf(&'static [SchemeKind]),
    Optional(&'static [SchemeKind]),
    Open,
}

pub(crate) struct Policy {
    schemes: Schemes,
    scopes: &'static [&'static str],
    admin: bool,
    /// Whether the service's custom check, which admits `eve` alone, runs.
    checked: bool,
}

const fn policy(schemes: Schemes) -> Policy {
    Policy { schemes, scopes: &[], admin: false, checked: false }
}

use SchemeKind::{Basic, Bearer, Key, OtherKey, Sidecar};
use Schemes::{AllOf, OneOf, Open, Optional};

pub(crate) const METHODS: &[(&str, Policy)] = &[
    ("Bearer", policy(OneOf(&[Bearer]))),
    ("Basic", policy(OneOf(&[Basic]))),
    ("ApiKey", policy(OneOf(&[Key]))),
    ("BearerOrKey", policy(OneOf(&[Bearer, Key]))),
    ("KeyOrBearer", policy(OneOf(&[Key, Bearer]))),
    ("BasicOrBearer", policy(OneOf(&[Basic, Bearer]))),
    ("AnyOfThree", policy(OneOf(&[Bearer, Basic, Key]))),
    ("BearerAndKey", policy(AllOf(&[Bearer, Key]))),
    ("KeyAndBasic", policy(AllOf(&[Key, Basic]))),
    ("MaybeBearer", policy(Optional(&[Bearer]))),
    ("MaybeBasicOrKey", policy(Optional(&[Basic, Key]))),
    ("Write", Policy { scopes: &["write"], ..policy(OneOf(&[Bearer])) }),
    ("ReadAndWrite", Policy { scopes: &["read", "write"], ..policy(OneOf(&[Bearer])) }),
    ("AdminOnly", Policy { admin: true, ..policy(OneOf(&[Bearer])) }),
    ("WriteByBearerOrBasic", Policy { scopes: &["write"], ..policy(OneOf(&[Bearer, Basic])) }),
    ("Checked", Policy { checked: true, ..policy(OneOf(&[Bearer])) }),
    ("TwoKeys", policy(OneOf(&[Key, OtherKey]))),
    ("Open", policy(Open)),
    ("BearerOrPeer", policy(OneOf(&[Bearer, Sidecar]))),
    ("MaybeChecked", Policy { checked: true, ..policy(Optional(&[Bearer])) }),
];

#[derive(Clone, PartialEq)]
enum Extracted {
    Absent,
    OtherScheme,
    Duplicate,
    Malformed,
    /// Well-formed credentials, and their caller or the reason of the rejection.
    Presented(Result<Who, &'static str>),
}

/// A caller: its name and its scopes.
type Who = (&'static str, &'static [&'static str]);

const ADA: Who = ("ada", &["read", "write"]);
const ADA_BY_PASSWORD: Who = ("ada", &["read"]);
const EVE: Who = ("eve", &["read"]);
const ACME: Who = ("acme", &[]);
const OTHER: Who = ("other", &[]);
const SIDECAR: Who = ("sidecar", &[]);

fn extract(scheme: SchemeKind, call: &Call) -> Extracted {
    let values = match scheme {
        Bearer | Basic => &call.authorization,
        Key => &call.key,
        OtherKey => &call.other_key,
        Sidecar if call.sidecar => return Extracted::Presented(Ok(SIDECAR)),
        Sidecar => return Extracted::Absent,
    };
    let value = match values.as_slice() {
        [] => return Extracted::Absent,
        [one] => *one,
        _ => return Extracted::Duplicate,
    };
    match scheme {
        Bearer => match value {
            "Bearer ada-token" | "BEARER  ada-token" => Extracted::Presented(Ok(ADA)),
            "bearer eve-token" => Extracted::Presented(Ok(EVE)),
            "Bearer old-token" => Extracted::Presented(Err("ACCESS_TOKEN_EXPIRED")),
            "Bearer nope" => Extracted::Presented(Err("CREDENTIALS_INVALID")),
            "Bearerada-token" | "Token x" => Extracted::OtherScheme,
            other if other.to_lowercase().starts_with("basic ") => Extracted::OtherScheme,
            _ => Extracted::Malformed,
        },
        Basic => match value {
            "Basic YWRhOnBhOnNz" | "basic YWRhOnBhOnNz" => {
                Extracted::Presented(Ok(ADA_BY_PASSWORD))
            }
            "Basic YWRhOm5vcGU=" => Extracted::Presented(Err("CREDENTIALS_INVALID")),
            "" | "\t" | "Basic !" | "Basic YWRh" => Extracted::Malformed,
            _ => Extracted::OtherScheme,
        },
        Key | OtherKey => match (scheme, value) {
            (Key, "key-1") => Extracted::Presented(Ok(ACME)),
            (OtherKey, "key-2") => Extracted::Presented(Ok(OTHER)),
            (_, "key-1" | "key-2" | "nope") => Extracted::Presented(Err("API_KEY_INVALID")),
            _ => Extracted::Malformed,
        },
        Sidecar => Extracted::Absent,
    }
}

fn header(scheme: SchemeKind) -> Option<&'static str> {
    match scheme {
        Bearer | Basic => Some("authorization"),
        Key => Some("x-api-key"),
        OtherKey => Some("x-other-key"),
        Sidecar => None,
    }
}

fn is_present(extracted: &Extracted) -> bool {
    matches!(extracted, Extracted::Malformed | Extracted::Presented(_))
}

fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected(reason.to_owned())
}

pub(crate) fn decide(policy: &Policy, call: &Call) -> Outcome {
    match policy.schemes {
        Open => Outcome::Admitted(String::new()),
        OneOf(schemes) => match one_of(schemes, call) {
            Some(Ok(who)) => check_requirements(policy, Some(who)),
            Some(Err(reason)) => rejected(reason),
            None => rejected("CREDENTIALS_MISSING"),
        },
        Optional(schemes) => match one_of(schemes, call) {
            Some(Ok(who)) => check_requirements(policy, Some(who)),
            Some(Err(reason)) => rejected(reason),
            None => check_requirements(policy, None),
        },
        AllOf(schemes) => {
            let extracted: Vec<_> = schemes.iter().map(|scheme| extract(*scheme, call)).collect();
            if extracted.contains(&Extracted::Duplicate) {
                return rejected("OVERLOADED_CREDENTIALS");
            }
            if extracted.contains(&Extracted::Malformed) {
                return rejected("CREDENTIALS_MALFORMED");
            }
            if extracted.contains(&Extracted::OtherScheme) {
                return rejected("CREDENTIAL_TYPE_UNSUPPORTED");
            }
            if extracted.contains(&Extracted::Absent) {
                return rejected("CREDENTIALS_MISSING");
            }
            let mut names = Vec::new();
            for extracted in extracted {
                match extracted {
                    Extracted::Presented(Ok((name, _))) => names.push(name),
                    Extracted::Presented(Err(reason)) => return rejected(reason),
                    _ => {}
                }
            }
            Outcome::Admitted(names.join("+"))
        }
    }
}

/// Returns `None` if the call carries no credentials, else the caller or the reason.
fn one_of(schemes: &[SchemeKind], call: &Call) -> Option<Result<Who, &'static str>> {
    let extracted: Vec<_> =
        schemes.iter().map(|scheme| (*scheme, extract(*scheme, call))).collect();
    if extracted.iter().any(|(_, extracted)| *extracted == Extracted::Duplicate) {
        return Some(Err("OVERLOADED_CREDENTIALS"));
    }
    for (scheme, _) in
        extracted.iter().filter(|(_, extracted)| *extracted == Extracted::OtherScheme)
    {
        let claimed = |(other, extracted): &(SchemeKind, Extracted)| {
            header(*other) == header(*scheme) && is_present(extracted)
        };
        if !extracted.iter().any(claimed) {
            return Some(Err("CREDENTIAL_TYPE_UNSUPPORTED"));
        }
    }
    let mut headers: Vec<_> = extracted
        .iter()
        .filter(|(_, extracted)| is_present(extracted))
        .filter_map(|(scheme, _)| header(*scheme))
        .collect();
    headers.sort_unstable();
    headers.dedup();
    if headers.len() > 1 {
        return Some(Err("OVERLOADED_CREDENTIALS"));
    }
    extracted.iter().find(|(_, extracted)| is_present(extracted)).map(|(_, extracted)| {
        match extracted {
            Extracted::Presented(result) => *result,
            _ => Err("CREDENTIALS_MALFORMED"),
        }
    })
}

fn check_requirements(policy: &Policy, who: Option<Who>) -> Outcome {
    let (name, granted) = who.unwrap_or(("nobody", &[]));
    if !policy.scopes.iter().all(|scope| granted.contains(scope)) {
        return rejected("ACCESS_TOKEN_SCOPE_INSUFFICIENT");
    }
    if (policy.admin && name != "ada") || (policy.checked && name != "eve") {
        return rejected("PERMISSION_DENIED");
    }
    Outcome::Admitted(name.to_owned())
}
