//! The inputs that the attributes reject, with the compiler's errors, and inputs that they accept.

/// trybuild checks all failing cases with one run of cargo if there is no passing case among them.
#[test]
fn mistakes_are_reported_with_the_expected_errors() {
    trybuild::TestCases::new().compile_fail("*/fail/*.rs");
}

/// Each accepted case is a module of this test, so that it shares the dependencies of the test.
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
    all_forms: "custom_checks/pass/all_forms.rs",
    closures: "custom_checks/pass/closures.rs",
    override_drops_checks: "impl_block/pass/override_drops_checks.rs",
    patterns_and_conversions: "identity/pass/patterns_and_conversions.rs",
    several_schemes: "derive/pass/several_schemes.rs",
    verifier_visibility: "derive/pass/verifier_visibility.rs",
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
