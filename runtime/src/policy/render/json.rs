//! Policies as JSON.

use std::fmt::Write;

use super::rows::rows;
use crate::policy::{method::Combinator, service::ServicePolicy, table::PolicyTable};

impl ServicePolicy {
    /// Renders the policy as a JSON array with an object for each method.
    ///
    /// | field | type | value |
    /// | --- | --- | --- |
    /// | `service` | string | the full name of the service |
    /// | `method` | string | the method name, or `*` for a service that is open as a whole |
    /// | `access` | string | `authenticated`, `open` (also under `optional`), `denied`, or `bypassed` |
    /// | `combinator` | string | `one_of`, `all_of` or `optional`; `one_of` for a single scheme |
    /// | `schemes` | array of strings | the schemes as they are written in the attribute |
    /// | `scopes` | array of strings | the required scopes |
    /// | `roles` | array of strings | the roles of which one is required |
    /// | `authorize` | string or null | the path of the custom check of the call head |
    /// | `authorize_request` | string or null | the path of the custom check of the request |
    /// | `authorized` | array of strings | the `#[authorized(..)]` parameters with their checks; absent without any |
    /// | `reason` | string | why every caller may call it, or none |
    ///
    /// An object has the first three fields and either `reason` (for `#[anonymous]`, for `#[denied]`, and for a service that is
    /// open as a whole) or the others.
    pub fn to_json(&self) -> String {
        json([self])
    }
}

impl PolicyTable {
    /// Renders the policies as a JSON array with an object for each method. The fields are those of
    /// [`ServicePolicy::to_json`].
    pub fn to_json(&self) -> String {
        json(self.services())
    }
}

fn json<'a>(services: impl IntoIterator<Item = &'a ServicePolicy>) -> String {
    let mut objects = Vec::new();
    for row in rows(services) {
        let mut fields = vec![
            ("service", string(row.service)),
            ("method", string(row.method)),
            ("access", string(&row.access.to_lowercase())),
        ];
        if let Some(checks) = row.checks {
            let combinator = match checks.combinator {
                _ if row.optional => "optional",
                Combinator::OneOf => "one_of",
                Combinator::AllOf => "all_of",
            };
            fields.push(("combinator", string(combinator)));
            fields.push(("schemes", array(checks.schemes)));
            fields.push(("scopes", array(checks.scopes)));
            fields.push(("roles", array(checks.roles)));
            fields.push(("authorize", nullable(checks.authorize)));
            fields.push(("authorize_request", nullable(checks.authorize_request)));
            if !row.authorized.is_empty() {
                fields.push(("authorized", array(row.authorized)));
            }
        } else {
            fields.push(("reason", string(row.reason)));
        }
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
        objects.push(format!("  {{{}}}", fields.join(", ")));
    }
    if objects.is_empty() { "[]\n".to_owned() } else { format!("[\n{}\n]\n", objects.join(",\n")) }
}

fn array(items: &[&str]) -> String {
    let items: Vec<_> = items.iter().map(|item| string(item)).collect();
    format!("[{}]", items.join(", "))
}

fn nullable(text: Option<&str>) -> String {
    text.map_or_else(|| "null".to_owned(), string)
}

/// `text` as a JSON string (RFC 8259, section 7).
fn string(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            control if control < ' ' => {
                // Writing to a `String` never fails.
                let _ = write!(quoted, "\\u{:04x}", u32::from(control));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::{super::fixture::services, *};

    #[test]
    fn json_has_the_documented_fields() {
        let [orders, health] = services();
        let json = json([&orders, &health]);
        assert!(json.contains(r#""reason": "a \"probe\" | liveness""#), "{json}");
        assert!(json.contains(r#""access": "bypassed", "combinator": "all_of""#), "{json}");
        assert!(json.contains(r#""authorize": null, "authorize_request": "Self::owns""#), "{json}");
        assert_eq!(string("a\n\u{1}"), "\"a\\u000a\\u0001\"");
        assert_eq!(super::json([]), "[]\n");
    }
}
