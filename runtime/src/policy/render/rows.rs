//! The rows that every rendering shows.

use crate::policy::{
    method::{Access, Checks, Combinator, MethodPolicy},
    service::{ServiceAccess, ServicePolicy},
};

/// The headings of the text and the Markdown table.
pub(super) const HEADINGS: [&str; 5] = ["METHOD", "ACCESS", "SCHEMES", "REQUIRES", "REASON"];

/// One row of a policy table: a method, or a service that is open as a whole.
pub(super) struct Row<'a> {
    pub(super) service: &'a str,
    pub(super) method: &'a str,
    pub(super) access: &'static str,
    pub(super) checks: Option<Checks>,
    pub(super) authorized: &'a [&'a str],
    pub(super) optional: bool,
    pub(super) reason: &'a str,
}

impl<'a> Row<'a> {
    fn from_method(service: &'a ServicePolicy, method: &'a MethodPolicy) -> Self {
        let (access, checks, optional, reason) = match method.access {
            Access::Authenticated(checks) => ("authenticated", Some(checks), false, ""),
            Access::Optional(checks) => ("OPEN", Some(checks), true, ""),
            Access::Anonymous { reason } => ("OPEN", None, false, reason),
            Access::Denied { reason } => ("DENIED", None, false, reason),
        };
        let access = if service.is_bypassed(method) { "BYPASSED" } else { access };
        Row {
            service: service.service,
            method: method.rpc,
            access,
            checks,
            authorized: method.authorized,
            optional,
            reason,
        }
    }

    fn from_open_service(service: &'a ServicePolicy, reason: &'a str) -> Self {
        Row {
            service: service.service,
            method: "*",
            access: "OPEN",
            checks: None,
            authorized: &[],
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
        parts.extend(self.authorized.iter().map(|check| format!("authorized({check})")));
        parts.join(", ")
    }

    pub(super) fn cells(&self) -> [String; 5] {
        [
            format!("{}/{}", self.service, self.method),
            self.access.to_owned(),
            self.schemes(),
            self.requires(),
            self.reason.to_owned(),
        ]
    }
}

/// The rows of `services`, in order.
pub(super) fn rows<'a>(services: impl IntoIterator<Item = &'a ServicePolicy>) -> Vec<Row<'a>> {
    let mut rows = Vec::new();
    for service in services {
        match &service.access {
            ServiceAccess::Guarded { methods, .. } => {
                rows.extend(methods.iter().map(|method| Row::from_method(service, method)));
            }
            ServiceAccess::Open { reason } => rows.push(Row::from_open_service(service, reason)),
        }
    }
    rows
}
