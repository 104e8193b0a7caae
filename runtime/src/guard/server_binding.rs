//! Whether a server is that of the trait on whose impl the attribute stands.

use std::any::type_name;

use tonic::server::NamedService;

use super::Guarded;
use crate::policy::MethodPolicy;

/// How the attribute and the generated server belong together.
#[doc(hidden)]
#[derive(Debug)]
pub struct Wiring {
    pub service: Named,
    pub methods: &'static [MethodPolicy],
}

/// What is known of the service's name where the attribute stands.
#[doc(hidden)]
#[derive(Debug)]
pub enum Named {
    /// The trait's name, which the service's own ends with.
    Trait(&'static str),
    /// The name that `service = ".."` gives.
    Service(&'static str),
}

/// A blanket impl fits every server of a type with several traits: the names tell which is meant.
///
/// # Panics
/// When it isn't this one. It is a mistake of the wiring, told at start.
pub(super) fn check<T, S, M>()
where
    T: Guarded<M, S>,
    S: NamedService,
{
    check_name(S::NAME, &T::WIRING.service);
    if let (Named::Trait(_), Some(method)) = (&T::WIRING.service, T::a_method()) {
        check_trait(S::NAME, type_name::<S>(), method);
    }
}

fn check_name(server: &str, known: &Named) {
    match *known {
        Named::Service(name) => assert!(
            server == name,
            "`guard` was given the server of `{server}`, but the attribute says `service = \"{name}\"`",
        ),
        Named::Trait(name) => {
            use heck::ToUpperCamelCase;

            let last = server.rsplit('.').next().unwrap_or(server);
            assert!(
                last.to_upper_camel_case() == name.to_upper_camel_case(),
                "`guard` was given the server of `{server}`, but the attribute stands on the impl of \
                 a trait named `{name}`. If the trait was imported under another name, say \
                 `service = \"{server}\"` in the attribute on the impl",
            );
        }
    }
}

/// Two packages may have a service of one name. The generator puts a trait and its server beside each
/// other, so the paths that the compiler prints tell them apart. Where the server's path doesn't show,
/// behind a type of the user's own, its name has to do.
fn check_trait(service: &str, server: &str, method: &str) {
    let Some(path) = trait_path(method) else { return };
    let name = path.rsplit("::").next().unwrap_or(path);
    let beside = format!("{path}Server<");
    let all_beside = server.match_indices(&format!("::{name}Server<")).all(|(at, found)| {
        let up_to = server.get(..at + found.len()).unwrap_or_default();
        let before = up_to.strip_suffix(&beside);
        before.is_some_and(|before| {
            !before.ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c))
        })
    });
    assert!(
        all_beside,
        "`guard` was given the server of `{service}`, and the attribute stands on the impl of another trait \
         of this name, `{path}`: write the attribute on each impl. If they do belong together, say \
         `service = \"{service}\"` in the attribute on the impl",
    );
}

/// The trait's path in the compiler's name of one of its methods, `<Orders as shop::Orders<u8>>::list`.
fn trait_path(method: &str) -> Option<&str> {
    let (implementation, _) = method.strip_prefix('<')?.rsplit_once(">::")?;
    let mut depth = 0_usize;
    let mut before = ' ';
    let mut path = None;
    let mut end = implementation.len();
    for (at, c) in implementation.char_indices() {
        let rest = implementation.get(at..).unwrap_or_default();
        match c {
            // Generic arguments of the trait, and not a path that begins with `<Host as ..>`.
            '<' if path.is_some_and(|start| start < at) && depth == 0 && before != ':' => end = at,
            '<' | '(' | '[' => depth += 1,
            // That of `->` closes nothing, but each ` as ` of a type stands in a `<` of its own.
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
    fn the_servers_name_ends_with_the_traits() {
        check_name("shop.v1.Orders", &Named::Trait("Orders"));
        check_name("Orders", &Named::Trait("Orders"));
        check_name("shop.v1.HTTPOrders", &Named::Trait("HttpOrders"));
        check_name("shop.v1.Orders", &Named::Service("shop.v1.Orders"));
    }

    #[test]
    fn another_name_is_refused() {
        for (server, known) in [
            ("shop.v1.Orders", Named::Trait("Invoices")),
            ("shop.v1.MoreOrders", Named::Trait("Orders")),
            ("shop.v1.Orders", Named::Service("shop.v2.Orders")),
            ("shop.v1.Orders", Named::Service("Orders")),
        ] {
            let checked = std::panic::catch_unwind(|| check_name(server, &known));
            assert!(checked.is_err(), "{server} against {known:?}");
        }
    }

    #[test]
    fn the_server_stands_beside_the_trait() {
        const METHOD: &str = "<shop::Svc<a::B> as shop::v1::orders_server::Orders>::list";
        let fits = |server: &str| {
            std::panic::catch_unwind(|| check_trait("shop.v1.Orders", server, METHOD)).is_ok()
        };
        for server in [
            "shop::v1::orders_server::OrdersServer<shop::Svc<a::B>>",
            "tonic::InterceptedService<shop::v1::orders_server::OrdersServer<shop::Svc>, fn()>",
            // One of the user's own, which doesn't tell.
            "shop::Wrapped",
            "shop::MyOrdersServer<shop::Svc>",
        ] {
            assert!(fits(server), "{server}");
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
            assert!(!fits(server), "{server}");
        }
    }

    #[test]
    fn the_traits_path_is_read_out_of_a_methods() {
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
