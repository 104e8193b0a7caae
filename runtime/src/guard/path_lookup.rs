//! From a request's path to the policy of a method.

use heck::ToSnakeCase;
use http::Uri;

use crate::policy::MethodPolicy;

/// The method's segment of `/service/method`; `None` for the path of anything else.
pub(super) fn method<'p>(path: &'p str, service: &str) -> Option<&'p str> {
    let method = path.strip_prefix('/')?.strip_prefix(service)?.strip_prefix('/')?;
    (!method.is_empty() && !method.contains('/')).then_some(method)
}

/// That segment of a path that is known to have one.
#[inline]
pub(super) fn called<'u>(uri: &'u Uri, service: &str) -> &'u str {
    uri.path().get(service.len() + 2..).unwrap_or_default()
}

/// The policy for a method as the caller named it.
///
/// The code generator makes the function's name of the method's; so does this, because the way back
/// is ambiguous (`GetURL`). More names than the service has may fit one policy: such a call is
/// checked, and the server then doesn't know it.
pub(super) fn find<'m>(methods: &'m [MethodPolicy], name: &str) -> Option<&'m MethodPolicy> {
    if let Some(exact) = methods.iter().find(|method| method.rpc == name) {
        return Some(exact);
    }
    // Snake case drops what a name in a proto can't have; so that would fit too.
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let function = function_name(name);
    methods.iter().find(|method| !method.rpc_is_explicit && method.function == function)
}

/// The generator's rule for names: snake case, and no name that Rust can't have.
fn function_name(method: &str) -> String {
    let name = method.to_snake_case();
    match name.as_str() {
        "self" | "super" | "crate" | "extern" => name + "_",
        _ if name.starts_with(|first: char| first.is_ascii_digit()) => format!("_{name}"),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Access;

    const fn open(
        key: u32,
        function: &'static str,
        rpc: &'static str,
        given: bool,
    ) -> MethodPolicy {
        MethodPolicy::new(key, function, rpc, given, Access::Anonymous { reason: "test" })
    }

    const METHODS: &[MethodPolicy] = &[
        open(0, "list", "List", false),
        open(1, "get_url", "GetUrl", false),
        open(2, "odd", "get_ODD", true),
        open(3, "self_", "Self_", false),
        open(4, "type", "Type", false),
        open(5, "_1st", "1st", false),
    ];

    fn found(name: &str) -> Option<u32> {
        find(METHODS, name).map(|method| method.key)
    }

    #[test]
    fn a_name_finds_the_function_that_the_generator_makes_of_it() {
        assert_eq!(found("List"), Some(0));
        assert_eq!(found("GetURL"), Some(1));
        assert_eq!(found("GetUrl"), Some(1));
        assert_eq!(found("Self"), Some(3));
        assert_eq!(found("Type"), Some(4));
        assert_eq!(found("_1st"), Some(5));
    }

    #[test]
    fn a_given_name_is_the_only_one() {
        assert_eq!(found("get_ODD"), Some(2));
        assert_eq!(found("Odd"), None);
        assert_eq!(found("odd"), None);
    }

    #[test]
    fn unknown_names_find_nothing() {
        for name in ["", "Lists", "Lis", "List?", "Li%73t", "..", "*"] {
            assert_eq!(found(name), None, "{name}");
        }
    }

    #[test]
    fn only_the_services_own_paths_name_a_method() {
        assert_eq!(method("/a.B/List", "a.B"), Some("List"));
        assert_eq!(called(&Uri::from_static("/a.B/List"), "a.B"), "List");
        for path in [
            "",
            "/",
            "List",
            "a.B/List",
            "//a.B/List",
            "/a.B//List",
            "/a.B/",
            "/a.B",
            "/a.BX/List",
            "/a.B/List/",
            "/A.B/List",
            "/a.B%2FList",
            "/a.B/../a.B/List",
            "*",
        ] {
            assert_eq!(method(path, "a.B"), None, "{path}");
        }
    }
}
