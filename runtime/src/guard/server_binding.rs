//! The check that a server is generated from the trait with the attribute.

use std::any::type_name;

use heck::ToUpperCamelCase;
use tonic::server::NamedService;

use crate::policy::MethodPolicy;

/// The service that an impl with `#[authenticated]` belongs to, and the policies of its methods.
#[doc(hidden)]
#[derive(Debug)]
pub struct ServerBinding {
    pub service: ServiceName,
    pub methods: &'static [MethodPolicy],
}

/// What the attribute knows about the name of the service.
#[doc(hidden)]
#[derive(Debug)]
pub enum ServiceName {
    /// The trait's name: the last segment of the service's full name (`Orders` in `shop.v1.Orders`).
    Trait(&'static str),
    /// The full name, from `service = ".."`.
    Full(&'static str),
}

impl ServerBinding {
    /// Checks that the server `S` belongs to the impl. The generated `Guarded` impl accepts every server, so
    /// a type with several services needs this check of the names.
    ///
    /// `method` is the compiler's name of a method of the trait.
    ///
    /// # Panics
    /// Panics when the server belongs to another trait. It is a mistake in the code, which shows at start.
    pub(super) fn check<S: NamedService>(&self, method: Option<&str>) {
        check_name(S::NAME, &self.service);
        if let (ServiceName::Trait(_), Some(method)) = (&self.service, method) {
            check_trait(S::NAME, type_name::<S>(), method);
        }
    }
}

fn check_name(server: &str, expected: &ServiceName) {
    match *expected {
        ServiceName::Full(name) => assert!(
            server == name,
            "expected the server of `{name}`, which the attribute names in `service = \"{name}\"`; found the \
             server of `{server}`",
        ),
        ServiceName::Trait(name) => {
            let last = server.rsplit('.').next().unwrap_or(server);
            assert!(
                last.to_upper_camel_case() == name.to_upper_camel_case(),
                "expected the server of the trait `{name}`, which has the attribute on its impl; found the \
                 server of `{server}`. If the trait is imported under another name, write \
                 `service = \"{server}\"` in the attribute on the impl",
            );
        }
    }
}

/// Compares the paths of the trait and the server, because two packages may have services of one name.
///
/// The code generator places a trait and its server next to each other, so the paths in the compiler's names
/// differ only in the last segment. If the type name of the server doesn't contain the generated server, as
/// for a user's wrapper, `check_name` has to suffice.
fn check_trait(service: &str, server: &str, method: &str) {
    let Some(path) = trait_path(method) else { return };
    let name = path.rsplit("::").next().unwrap_or(path);
    let expected = format!("{path}Server<");
    let all_match = server.match_indices(&format!("::{name}Server<")).all(|(at, found)| {
        let up_to = server.get(..at + found.len()).unwrap_or_default();
        let before = up_to.strip_suffix(&expected);
        before.is_some_and(|before| {
            !before.ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c))
        })
    });
    assert!(
        all_match,
        "expected the server of the trait `{path}`, which has the attribute on its impl; found the server of \
         another trait for `{service}`. Write the attribute on each impl. If server and impl do belong \
         together, write `service = \"{service}\"` in the attribute on the impl",
    );
}

/// The path of the trait in the compiler's name of a method, such as `<Orders as shop::Orders<u8>>::list`.
fn trait_path(method: &str) -> Option<&str> {
    let (implementation, _) = method.strip_prefix('<')?.rsplit_once(">::")?;
    let mut depth = 0_usize;
    let mut before = ' ';
    let mut path = None;
    let mut end = implementation.len();
    for (at, c) in implementation.char_indices() {
        let rest = implementation.get(at..).unwrap_or_default();
        match c {
            // The generic arguments of the trait, unless the path begins with `<Host as ..>`.
            '<' if path.is_some_and(|start| start < at) && depth == 0 && before != ':' => end = at,
            '<' | '(' | '[' => depth += 1,
            // The `>` of `->` closes nothing. It can't hide an ` as `: inside a type, ` as ` is always in
            // another pair of `<` and `>`.
            '>' | ')' | ']' => depth = depth.saturating_sub(1),
            ' ' if depth == 0 && path.is_none() && rest.starts_with(" as ") => {
                path = Some(at + " as ".len());
            }
            _ => {}
        }
        if end < implementation.len() {
            break;
        }
        before = c;
    }
    implementation.get(path?..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_name_ends_with_the_trait_name() {
        check_name("shop.v1.Orders", &ServiceName::Trait("Orders"));
        check_name("Orders", &ServiceName::Trait("Orders"));
        check_name("shop.v1.HTTPOrders", &ServiceName::Trait("HttpOrders"));
        check_name("shop.v1.Orders", &ServiceName::Full("shop.v1.Orders"));
    }

    #[test]
    fn another_name_is_rejected() {
        for (server, expected) in [
            ("shop.v1.Orders", ServiceName::Trait("Invoices")),
            ("shop.v1.MoreOrders", ServiceName::Trait("Orders")),
            ("shop.v1.Orders", ServiceName::Full("shop.v2.Orders")),
            ("shop.v1.Orders", ServiceName::Full("Orders")),
        ] {
            let checked = std::panic::catch_unwind(|| check_name(server, &expected));
            assert!(checked.is_err(), "{server} against {expected:?}");
        }
    }

    #[test]
    fn the_server_is_in_the_module_of_the_trait() {
        const METHOD: &str = "<shop::Svc<a::B> as shop::v1::orders_server::Orders>::list";
        let is_accepted = |server: &str| {
            std::panic::catch_unwind(|| check_trait("shop.v1.Orders", server, METHOD)).is_ok()
        };
        for server in [
            "shop::v1::orders_server::OrdersServer<shop::Svc<a::B>>",
            "tonic::InterceptedService<shop::v1::orders_server::OrdersServer<shop::Svc>, fn()>",
            // Wrappers of the user, whose names don't contain the generated server.
            "shop::Wrapped",
            "shop::MyOrdersServer<shop::Svc>",
        ] {
            assert!(is_accepted(server), "{server}");
        }
        for server in [
            "shop::v2::orders_server::OrdersServer<shop::Svc>",
            "tonic::InterceptedService<shop::v2::orders_server::OrdersServer<shop::Svc>, fn()>",
            "other::shop::v1::orders_server::OrdersServer<shop::Svc>",
            "myshop::v1::orders_server::OrdersServer<shop::Svc>",
            "v1::orders_server::OrdersServer<shop::Svc>",
            "tonic::InterceptedService<shop::v2::orders_server::OrdersServer<shop::Svc>, \
             shop::with<shop::v1::orders_server::OrdersServer<()>>>",
        ] {
            assert!(!is_accepted(server), "{server}");
        }
    }

    #[test]
    fn the_trait_path_is_part_of_the_method_name() {
        for (method, path) in [
            ("<Svc as shop::Orders>::list", Some("shop::Orders")),
            ("<Svc as shop::Orders<u8, a::B<c::D>>>::list", Some("shop::Orders")),
            ("<Svc<<a::B as c::D>::e> as shop::Orders>::list", Some("shop::Orders")),
            ("<Svc<fn() -> u8> as shop::Orders>::list", Some("shop::Orders")),
            ("<Svc<A<fn() -> u8>, <a::B as c::D>::e> as shop::Orders>::list", Some("shop::Orders")),
            (
                "<Svc as shop::f::{{closure}}::pb::Orders>::list",
                Some("shop::f::{{closure}}::pb::Orders"),
            ),
            (
                "<Svc as <Host as From<u8>>::from::pb::Orders>::list",
                Some("<Host as From<u8>>::from::pb::Orders"),
            ),
            ("shop::Svc::list", None),
        ] {
            assert_eq!(trait_path(method), path, "{method}");
        }
    }
}
