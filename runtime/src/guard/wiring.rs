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
    if let (Named::Trait(name), Some(method)) = (&T::WIRING.service, T::a_method()) {
        check_trait(S::NAME, type_name::<S>(), name, method);
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
fn check_trait(service: &str, server: &str, name: &str, method: &str) {
    let in_path = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let modules: Vec<&str> = server
        .match_indices(&format!("::{name}Server<"))
        .filter_map(|(end, _)| server.get(..end)?.rsplit(|c| !in_path(c)).next())
        .collect();
    let of_the_trait = |module: &str| {
        let path = format!(" as {module}::{name}");
        method
            .match_indices(&path)
            .filter_map(|(at, path)| method.get(at + path.len()..))
            .any(|rest| rest.starts_with(['>', '<']))
    };
    assert!(
        modules.is_empty() || modules.into_iter().any(of_the_trait),
        "`guard` was given the server of `{service}`, and the attribute stands on the impl of another trait \
         named `{name}`, in `{method}`: write the attribute on each impl. If they do belong together, say \
         `service = \"{service}\"` in the attribute on the impl",
    );
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
        let check = |server: &str| {
            std::panic::catch_unwind(|| check_trait("shop.v1.Orders", server, "Orders", METHOD))
        };
        for server in [
            "shop::v1::orders_server::OrdersServer<shop::Svc<a::B>>",
            "tonic::InterceptedService<shop::v1::orders_server::OrdersServer<shop::Svc>, fn()>",
            // One of the user's own, which doesn't tell.
            "shop::Wrapped",
            "shop::MyOrdersServer<shop::Svc>",
        ] {
            assert!(check(server).is_ok(), "{server}");
        }
        for server in [
            "shop::v2::orders_server::OrdersServer<shop::Svc>",
            "tonic::InterceptedService<shop::v2::orders_server::OrdersServer<shop::Svc>, fn()>",
            "v1::orders_server::OrdersServer<shop::Svc>",
        ] {
            assert!(check(server).is_err(), "{server}");
        }
        let generic = "<shop::Svc as shop::v1::orders_server::Orders<u8>>::list";
        let server = "shop::v1::orders_server::OrdersServer<shop::Svc>";
        check_trait("shop.v1.Orders", server, "Orders", generic);
        let longer = "<shop::Svc as shop::v1::orders_server::OrdersToo>::list";
        let longer = || check_trait("shop.v1.Orders", server, "Orders", longer);
        assert!(std::panic::catch_unwind(longer).is_err());
    }
}
