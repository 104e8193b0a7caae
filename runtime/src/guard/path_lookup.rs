//! Lookup of a method's policy by the path of a request.

use heck::ToSnakeCase;

use crate::policy::MethodPolicy;

/// The method segment of the path `/service/method`, or `None` for another path.
pub(super) fn method<'p>(path: &'p str, service: &str) -> Option<&'p str> {
    let method = path.strip_prefix('/')?.strip_prefix(service)?.strip_prefix('/')?;
    (!method.is_empty() && !method.contains('/')).then_some(method)
}

/// The policy of the method with the name `name` in a request path.
///
/// It derives the name of the function from the name of the method, as the code generator does, because the
/// reverse is ambiguous (`GetURL`). So it may find a policy for a name that the service doesn't have: such a
/// call is evaluated, and the server then answers UNIMPLEMENTED.
pub(super) fn find_policy<'m>(methods: &'m [MethodPolicy], name: &str) -> Option<&'m MethodPolicy> {
    if let Some(exact) = methods.iter().find(|method| method.rpc == name) {
        return Some(exact);
    }
    // `to_snake_case` drops other characters, so a name with them could match.
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return None;
    }
    let function = function_name(name);
    methods.iter().find(|method| !method.rpc_is_explicit && method.function == function)
}

/// The function name that the code generator derives: snake case, and a valid identifier of Rust.
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
        rpc_is_explicit: bool,
    ) -> MethodPolicy {
        MethodPolicy::new(key, function, rpc, rpc_is_explicit, Access::Anonymous { reason: "test" })
    }

    const METHODS: &[MethodPolicy] = &[
        open(0, "list", "List", false),
        open(1, "get_url", "GetUrl", false),
        open(2, "odd", "get_ODD", true),
        open(3, "self_", "Self_", false),
        open(4, "type", "Type", false),
        open(5, "_1st", "1st", false),
    ];

    fn key_of(name: &str) -> Option<u32> {
        find_policy(METHODS, name).map(|method| method.key)
    }

    #[test]
    fn a_method_name_finds_the_generated_function() {
        assert_eq!(key_of("List"), Some(0));
        assert_eq!(key_of("GetURL"), Some(1));
        assert_eq!(key_of("GetUrl"), Some(1));
        assert_eq!(key_of("Self"), Some(3));
        assert_eq!(key_of("Type"), Some(4));
        assert_eq!(key_of("_1st"), Some(5));
    }

    #[test]
    fn an_explicit_name_is_the_only_name() {
        assert_eq!(key_of("get_ODD"), Some(2));
        assert_eq!(key_of("Odd"), None);
        assert_eq!(key_of("odd"), None);
    }

    #[test]
    fn unknown_names_are_not_found() {
        for name in ["", "Lists", "Lis", "List?", "Li%73t", "..", "*"] {
            assert_eq!(key_of(name), None, "{name}");
        }
    }

    #[test]
    fn only_paths_of_the_service_contain_a_method() {
        assert_eq!(method("/a.B/List", "a.B"), Some("List"));
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
