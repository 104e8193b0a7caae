//! The reference model: what the attribute's language means, written as plainly as it can be.

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
    Refused(String),
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Leaf {
    Bearer,
    Basic,
    Key,
    OtherKey,
    Sidecar,
}

pub(crate) enum Schemes {
    OneOf(&'static [Leaf]),
    AllOf(&'static [Leaf]),
    Optional(&'static [Leaf]),
    Open,
}

pub(crate) struct Policy {
    schemes: Schemes,
    scopes: &'static [&'static str],
    admin: bool,
    /// Whether the service's own check, which knows `eve` alone, runs.
    checked: bool,
}

const fn policy(schemes: Schemes) -> Policy {
    Policy { schemes, scopes: &[], admin: false, checked: false }
}

use Leaf::{Basic, Bearer, Key, OtherKey, Sidecar};
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
enum Seen {
    Nothing,
    Foreign,
    Twice,
    Unreadable,
    /// Readable credentials, and who they stand for or why they don't.
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

fn look(leaf: Leaf, call: &Call) -> Seen {
    let values = match leaf {
        Bearer | Basic => &call.authorization,
        Key => &call.key,
        OtherKey => &call.other_key,
        Sidecar if call.sidecar => return Seen::Presented(Ok(SIDECAR)),
        Sidecar => return Seen::Nothing,
    };
    let value = match values.as_slice() {
        [] => return Seen::Nothing,
        [one] => *one,
        _ => return Seen::Twice,
    };
    match leaf {
        Bearer => match value {
            "Bearer ada-token" | "BEARER  ada-token" => Seen::Presented(Ok(ADA)),
            "bearer eve-token" => Seen::Presented(Ok(EVE)),
            "Bearer old-token" => Seen::Presented(Err("ACCESS_TOKEN_EXPIRED")),
            "Bearer nope" => Seen::Presented(Err("CREDENTIALS_INVALID")),
            "Bearerada-token" | "Token x" => Seen::Foreign,
            other if other.to_lowercase().starts_with("basic ") => Seen::Foreign,
            _ => Seen::Unreadable,
        },
        Basic => match value {
            "Basic YWRhOnBhOnNz" | "basic YWRhOnBhOnNz" => Seen::Presented(Ok(ADA_BY_PASSWORD)),
            "Basic YWRhOm5vcGU=" => Seen::Presented(Err("CREDENTIALS_INVALID")),
            "" | "\t" | "Basic !" | "Basic YWRh" => Seen::Unreadable,
            _ => Seen::Foreign,
        },
        Key | OtherKey => match (leaf, value) {
            (Key, "key-1") => Seen::Presented(Ok(ACME)),
            (OtherKey, "key-2") => Seen::Presented(Ok(OTHER)),
            (_, "key-1" | "key-2" | "nope") => Seen::Presented(Err("API_KEY_INVALID")),
            _ => Seen::Unreadable,
        },
        Sidecar => Seen::Nothing,
    }
}

fn header(leaf: Leaf) -> Option<&'static str> {
    match leaf {
        Bearer | Basic => Some("authorization"),
        Key => Some("x-api-key"),
        OtherKey => Some("x-other-key"),
        Sidecar => None,
    }
}

fn is_there(seen: &Seen) -> bool {
    matches!(seen, Seen::Unreadable | Seen::Presented(_))
}

fn refused(reason: &str) -> Outcome {
    Outcome::Refused(reason.to_owned())
}

pub(crate) fn decide(policy: &Policy, call: &Call) -> Outcome {
    match policy.schemes {
        Open => Outcome::Admitted(String::new()),
        OneOf(leaves) => match one_of(leaves, call) {
            Some(Ok(who)) => judge(policy, Some(who)),
            Some(Err(reason)) => refused(reason),
            None => refused("CREDENTIALS_MISSING"),
        },
        Optional(leaves) => match one_of(leaves, call) {
            Some(Ok(who)) => judge(policy, Some(who)),
            Some(Err(reason)) => refused(reason),
            None => judge(policy, None),
        },
        AllOf(leaves) => {
            let seen: Vec<_> = leaves.iter().map(|leaf| look(*leaf, call)).collect();
            if seen.contains(&Seen::Twice) {
                return refused("OVERLOADED_CREDENTIALS");
            }
            if seen.contains(&Seen::Unreadable) {
                return refused("CREDENTIALS_MALFORMED");
            }
            if seen.contains(&Seen::Foreign) {
                return refused("CREDENTIAL_TYPE_UNSUPPORTED");
            }
            if seen.contains(&Seen::Nothing) {
                return refused("CREDENTIALS_MISSING");
            }
            let mut names = Vec::new();
            for seen in seen {
                match seen {
                    Seen::Presented(Ok((name, _))) => names.push(name),
                    Seen::Presented(Err(reason)) => return refused(reason),
                    _ => {}
                }
            }
            Outcome::Admitted(names.join("+"))
        }
    }
}

/// Nothing at all; or the caller or the reason.
fn one_of(leaves: &[Leaf], call: &Call) -> Option<Result<Who, &'static str>> {
    let seen: Vec<_> = leaves.iter().map(|leaf| (*leaf, look(*leaf, call))).collect();
    if seen.iter().any(|(_, seen)| *seen == Seen::Twice) {
        return Some(Err("OVERLOADED_CREDENTIALS"));
    }
    for (leaf, _) in seen.iter().filter(|(_, seen)| *seen == Seen::Foreign) {
        let claimed =
            |(other, seen): &(Leaf, Seen)| header(*other) == header(*leaf) && is_there(seen);
        if !seen.iter().any(claimed) {
            return Some(Err("CREDENTIAL_TYPE_UNSUPPORTED"));
        }
    }
    let mut headers: Vec<_> = seen
        .iter()
        .filter(|(_, seen)| is_there(seen))
        .filter_map(|(leaf, _)| header(*leaf))
        .collect();
    headers.sort_unstable();
    headers.dedup();
    if headers.len() > 1 {
        return Some(Err("OVERLOADED_CREDENTIALS"));
    }
    seen.iter().find(|(_, seen)| is_there(seen)).map(|(_, seen)| match seen {
        Seen::Presented(result) => *result,
        _ => Err("CREDENTIALS_MALFORMED"),
    })
}

fn judge(policy: &Policy, who: Option<Who>) -> Outcome {
    let (name, granted) = who.unwrap_or(("nobody", &[]));
    if !policy.scopes.iter().all(|scope| granted.contains(scope)) {
        return refused("ACCESS_TOKEN_SCOPE_INSUFFICIENT");
    }
    if (policy.admin && name != "ada") || (policy.checked && name != "eve") {
        return refused("PERMISSION_DENIED");
    }
    Outcome::Admitted(name.to_owned())
}
