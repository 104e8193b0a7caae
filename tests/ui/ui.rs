//! What the attributes reject, with the compiler's error, and what they accept.

/// The mistakes. trybuild checks all of them with one run of cargo, as long as no case that passes is among them.
#[test]
fn mistakes_are_reported_where_they_were_made() {
    trybuild::TestCases::new().compile_fail("*/fail/*.rs");
}

/// Each accepted case is a module of this test, so that it is built with the dependencies that are built already.
macro_rules! accepted {
    ($($name:ident: $path:literal,)*) => {
        $(
            #[allow(dead_code, reason = "the compiler only has to accept it")]
            mod $name {
                include!($path);

                #[test]
                fn is_accepted() {
                    main();
                }
            }
        )*

        #[test]
        fn every_accepted_case_is_built() {
            let built = std::collections::BTreeSet::from([$($path.to_owned()),*]);
            assert_eq!(accepted_cases().unwrap(), built);
        }
    };
}

accepted! {
    a_verifier_as_visible_as_its_service: "derive/pass/a_verifier_as_visible_as_its_service.rs",
    an_override_that_drops_by_name: "impl_block/pass/an_override_that_drops_by_name.rs",
    every_kind: "own_checks/pass/every_kind.rs",
    patterns_and_conversions: "identity/pass/patterns_and_conversions.rs",
    several_schemes: "derive/pass/several_schemes.rs",
}

/// The files of all `pass` folders.
fn accepted_cases() -> std::io::Result<std::collections::BTreeSet<String>> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut cases = std::collections::BTreeSet::new();
    for subject in std::fs::read_dir(root)? {
        let pass = subject?.path().join("pass");
        if pass.is_dir() {
            for case in std::fs::read_dir(pass)? {
                let case = case?.path();
                cases.extend(
                    case.strip_prefix(root).ok().and_then(|case| case.to_str()).map(str::to_owned),
                );
            }
        }
    }
    Ok(cases)
}
