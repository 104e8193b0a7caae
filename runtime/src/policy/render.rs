//! Policies as text, Markdown and JSON.

use std::fmt::{self, Write};

use crate::policy::{Access, Checks, Combinator, Kind, MethodPolicy, ServicePolicy};

const HEADINGS: [&str; 5] = ["METHOD", "ACCESS", "SCHEMES", "REQUIRES", "REASON"];

struct Row<'a> {
    service: &'a str,
    method: &'a str,
    access: &'static str,
    checks: Option<Checks>,
    optional: bool,
    reason: &'a str,
}

impl<'a> Row<'a> {
    fn of_method(service: &'a ServicePolicy, method: &'a MethodPolicy) -> Self {
        let (access, checks, optional, reason) = match method.access {
            Access::Authenticated(checks) => ("authenticated", Some(checks), false, ""),
            Access::Optional(checks) => ("OPEN", Some(checks), true, ""),
            Access::Anonymous { reason } => ("OPEN", None, false, reason),
        };
        let access = if service.is_bypassed(method) { "BYPASSED" } else { access };
        Row { service: service.service, method: method.rpc, access, checks, optional, reason }
    }

    fn of_open_service(service: &'a ServicePolicy, reason: &'a str) -> Self {
        Row {
            service: service.service,
            method: "*",
            access: "OPEN",
            checks: None,
            optional: false,
            reason,
        }
    }

    fn schemes(&self) -> String {
        let Some(checks) = self.checks else { return String::new() };
        let listed = checks.schemes.join(", ");
        let combined = match checks.combinator {
            Combinator::AllOf => format!("all_of({listed})"),
            Combinator::OneOf if checks.schemes.len() > 1 => format!("one_of({listed})"),
            Combinator::OneOf => listed,
        };
        if self.optional { format!("optional({combined})") } else { combined }
    }

    fn requires(&self) -> String {
        let Some(checks) = self.checks else { return String::new() };
        let mut parts = Vec::new();
        if !checks.scopes.is_empty() {
            parts.push(format!("scopes({})", checks.scopes.join(", ")));
        }
        if !checks.roles.is_empty() {
            parts.push(format!("roles({})", checks.roles.join(", ")));
        }
        parts.extend(checks.authorize.map(|path| format!("authorize = {path}")));
        parts.extend(checks.authorize_request.map(|path| format!("authorize_request = {path}")));
        parts.join(", ")
    }

    fn cells(&self) -> [String; 5] {
        [
            format!("{}/{}", self.service, self.method),
            self.access.to_owned(),
            self.schemes(),
            self.requires(),
            self.reason.to_owned(),
        ]
    }
}

fn rows<'a>(services: impl IntoIterator<Item = &'a ServicePolicy>) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for service in services {
        match &service.kind {
            Kind::Guarded { methods, .. } => {
                rows.extend(methods.iter().map(|method| Row::of_method(service, method)));
            }
            Kind::Open { reason } => rows.push(Row::of_open_service(service, reason)),
        }
    }
    rows
}

pub(crate) fn text<'a>(
    services: impl IntoIterator<Item = &'a ServicePolicy>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let mut lines = vec![HEADINGS.map(str::to_owned)];
    lines.extend(rows(services).iter().map(Row::cells));
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max()
    };
    let widths = [0, 1, 2, 3, 4].map(|column| width(column).unwrap_or_default());
    for (at, line) in lines.iter().enumerate() {
        if at > 0 {
            f.write_str("\n")?;
        }
        let mut printed = String::new();
        for (cell, width) in line.iter().zip(widths) {
            write!(printed, "{cell:width$}  ")?;
        }
        f.write_str(printed.trim_end())?;
    }
    Ok(())
}

pub(crate) fn markdown<'a>(services: impl IntoIterator<Item = &'a ServicePolicy>) -> String {
    let line = |cells: [String; 5]| {
        let cells = cells.map(|cell| cell.replace('|', "\\|").replace('\n', " "));
        format!("| {} |\n", cells.join(" | "))
    };
    let mut table = line(HEADINGS.map(str::to_lowercase));
    table.push_str("| --- | --- | --- | --- | --- |\n");
    for row in rows(services) {
        table.push_str(&line(row.cells()));
    }
    table
}

pub(crate) fn json<'a>(services: impl IntoIterator<Item = &'a ServicePolicy>) -> String {
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

/// RFC 8259, section 7.
fn string(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            control if control < ' ' => {
                // Writing to a `String` can't fail.
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
    use super::*;

    const METHODS: &[MethodPolicy] = &[
        MethodPolicy::new(
            0,
            "list",
            "List",
            false,
            Access::Authenticated(Checks::new(
                Combinator::OneOf,
                &["bearer"],
                &["a", "b"],
                &[],
                None,
                None,
            )),
        ),
        MethodPolicy::new(
            1,
            "find",
            "Find",
            false,
            Access::Optional(Checks::new(
                Combinator::OneOf,
                &["api-key", "bearer via self.tokens"],
                &[],
                &[],
                Some("Self::quota"),
                None,
            )),
        ),
        MethodPolicy::new(
            2,
            "ping",
            "Ping",
            false,
            Access::Anonymous { reason: "a \"probe\" | liveness" },
        ),
        MethodPolicy::new(
            3,
            "pay",
            "Pay",
            false,
            Access::Authenticated(Checks::new(
                Combinator::AllOf,
                &["bearer", "api-key"],
                &[],
                &["Role::Admin", "Role::Owner"],
                None,
                Some("Self::owns"),
            )),
        ),
    ];

    fn services() -> [ServicePolicy; 2] {
        [
            ServicePolicy {
                service: "shop.v1.Orders",
                kind: Kind::Guarded { methods: METHODS, bypassed: vec![3] },
            },
            ServicePolicy {
                service: "grpc.health.v1.Health",
                kind: Kind::Open { reason: "probes" },
            },
        ]
    }

    #[test]
    fn text_is_aligned() {
        let table: crate::PolicyTable = services().into_iter().collect();
        let expected = "\
METHOD                   ACCESS         SCHEMES                                            REQUIRES                                                         REASON
shop.v1.Orders/List      authenticated  bearer                                             scopes(a, b)
shop.v1.Orders/Find      OPEN           optional(one_of(api-key, bearer via self.tokens))  authorize = Self::quota
shop.v1.Orders/Ping      OPEN                                                                                                                               a \"probe\" | liveness
shop.v1.Orders/Pay       BYPASSED       all_of(bearer, api-key)                            roles(Role::Admin, Role::Owner), authorize_request = Self::owns
grpc.health.v1.Health/*  OPEN                                                                                                                               probes";
        assert_eq!(table.to_string(), expected);
    }

    #[test]
    fn markdown_escapes_the_bar() {
        let table = markdown(&services());
        assert!(table.starts_with("| method | access | schemes | requires | reason |\n| --- |"));
        assert!(
            table.contains("| shop.v1.Orders/Ping | OPEN |  |  | a \"probe\" \\| liveness |"),
            "{table}"
        );
    }

    #[test]
    fn json_is_json() {
        let [orders, health] = services();
        let json = json([&orders, &health]);
        assert!(json.contains(r#""reason": "a \"probe\" | liveness""#), "{json}");
        assert!(json.contains(r#""access": "bypassed", "combinator": "all_of""#), "{json}");
        assert!(json.contains(r#""authorize": null, "authorize_request": "Self::owns""#), "{json}");
        assert_eq!(string("a\n\u{1}"), "\"a\\u000a\\u0001\"");
        assert_eq!(super::json([]), "[]\n");
    }
}
