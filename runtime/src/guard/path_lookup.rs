//! Lookup of a method's policy by the path of a request.

use std::{collections::HashMap, sync::Arc};

use heck::ToSnakeCase;

use crate::policy::MethodPolicy;

/// The method segment of the path `/service/method`, or `None` for another path.
fn method<'p>(path: &'p str, service: &str) -> Option<&'p str> {
    let method = path.strip_prefix('/')?.strip_prefix(service)?.strip_prefix('/')?;
    (!method.is_empty() && !method.contains('/')).then_some(method)
}

/// Finds the policy of a method by the path of a request, in a time that doesn't grow with the number of methods.
/// (Benchmark: `growth`.)
#[derive(Clone)]
pub(super) struct PathLookup {
    methods: &'static [MethodPolicy],
    service: &'static str,
    /// The hash of each RPC name and the index of its method, with linear probing and at least three quarters of
    /// the slots empty. Callers can't add to it, so they can't make a search longer than the longest run of slots.
    slots: Arc<[Option<(u32, u32)>]>,
    /// The methods whose RPC name is derived, by the names of their functions.
    functions: Arc<HashMap<&'static str, u32>>,
    /// The length of the longest name in `functions`.
    longest_function: usize,
}

impl PathLookup {
    pub(super) fn new(service: &'static str, methods: &'static [MethodPolicy]) -> Self {
        let mut slots = vec![None; (4 * methods.len().max(1)).next_power_of_two()];
        let mut functions = HashMap::new();
        for (index, method) in (0..).zip(methods) {
            // Of two methods with one name the first counts, as in a search from the start.
            if !method.rpc_is_explicit {
                functions.entry(method.function).or_insert(index);
            }
            let hash = hash(method.rpc.as_bytes());
            let first = hash as usize & (slots.len() - 1);
            let free =
                (first..slots.len()).chain(0..first).find(|slot| slots.get(*slot) == Some(&None));
            if let Some(slot) = free.and_then(|slot| slots.get_mut(slot)) {
                *slot = Some((hash, index));
            }
        }
        let longest_function = functions.keys().map(|name| name.len()).max().unwrap_or(0);
        let (slots, functions) = (slots.into(), Arc::new(functions));
        PathLookup { methods, service, slots, functions, longest_function }
    }

    /// The policy of the method that `path` names.
    ///
    /// If no method has that RPC name, it derives the name of the function from the name in the path, as the
    /// code generator does, because the reverse is ambiguous (`GetURL`). So it may find a policy for a name
    /// that the service doesn't have: such a call is evaluated, and the server then answers UNIMPLEMENTED.
    #[inline]
    pub(super) fn find(&self, path: &str) -> Option<&'static MethodPolicy> {
        let name = method(path, self.service)?;
        self.find_exact(name).or_else(|| self.find_derived(name))
    }

    #[inline]
    fn find_exact(&self, name: &str) -> Option<&'static MethodPolicy> {
        let hash = hash(name.as_bytes());
        let last = self.slots.len() - 1;
        let mut slot = hash as usize & last;
        // Some slots are empty, so the loop ends.
        while let Some(Some((other, index))) = self.slots.get(slot) {
            if *other == hash
                && let Some(method) = self.methods.get(*index as usize)
                && method.rpc == name
            {
                return Some(method);
            }
            slot = (slot + 1) & last;
        }
        None
    }

    #[cold]
    fn find_derived(&self, name: &str) -> Option<&'static MethodPolicy> {
        // A snake-case name has the letters and digits of the RPC name and its underscores, which may be
        // doubled. The limit keeps a caller from choosing how much is converted here and printed later.
        if name.len() > 2 * self.longest_function {
            return None;
        }
        // `to_snake_case` drops other characters, so a name with them could match.
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            return None;
        }
        let index = self.functions.get(function_name(name).as_str())?;
        self.methods.get(*index as usize)
    }
}

/// The hash of a name. The names are those of the policy, so no secret key is needed: a caller who knows the
/// function can only begin a search at a slot of their choice.
#[inline]
fn hash(name: &[u8]) -> u32 {
    const MULTIPLIER: u64 = 0x9e37_79b9_7f4a_7c15;
    // The upper half of the product depends on the upper bytes of the block, the lower half on the lower ones.
    let mix = |hash: u64, block: u64| {
        let product = u128::from(hash ^ block) * u128::from(MULTIPLIER);
        (product >> 64) as u64 ^ product as u64
    };
    let (blocks, rest) = name.as_chunks();
    let blocks = blocks.iter().map(|block| u64::from_le_bytes(*block));
    let hash = blocks.fold(name.len() as u64, mix);
    let last = rest.iter().fold(0, |last, byte| last << 8 | u64::from(*byte));
    mix(hash, last) as u32
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
        let lookup = PathLookup::new("a.B", METHODS);
        lookup.find(&format!("/a.B/{name}")).map(|method| method.key)
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
    fn a_long_name_is_not_converted() {
        assert_eq!(key_of("_Type_"), Some(4));
        assert_eq!(key_of(&("_".repeat(60_000) + "Type")), None);
    }

    #[test]
    fn every_method_of_a_large_service_is_found() {
        let name = |number: usize| format!("Get{}{number}", "Very".repeat(number % 9));
        let leak = |text: String| -> &'static str { text.leak() };
        let methods: Vec<_> = (0..434)
            .map(|number| {
                let rpc = leak(name(number));
                open(u32::try_from(number).unwrap(), leak(rpc.to_snake_case()), rpc, false)
            })
            .collect();
        let lookup = PathLookup::new("a.B", methods.leak());
        for number in 0..434 {
            let found = lookup.find(&format!("/a.B/{}", name(number))).unwrap();
            assert_eq!(found.rpc, name(number));
        }
        for number in 434..900 {
            assert!(lookup.find(&format!("/a.B/{}", name(number))).is_none());
        }
        // No search is long.
        let slots: Vec<_> = lookup.slots.iter().chain(lookup.slots.iter()).collect();
        let longest = slots.split(|slot| slot.is_none()).map(<[_]>::len).max();
        assert!(longest < Some(16), "{longest:?}");
    }

    #[test]
    fn a_service_without_methods_has_none() {
        assert!(PathLookup::new("a.B", &[]).find("/a.B/List").is_none());
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
