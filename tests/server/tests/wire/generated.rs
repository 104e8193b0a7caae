//! The committed code in `tests/support/src/generated` equals the output of the generator.

use std::{fs, path::Path};

#[test]
fn committed_code_equals_generated_code() {
    let committed = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../support/src/generated"));
    let generated = Path::new(concat!(env!("OUT_DIR"), "/shared_with_all_suites"));
    for name in ["guard.shapes.v1.rs", "guard.test.v1.rs", "guard.test.v2.rs"] {
        let code = fs::read_to_string(generated.join(name)).unwrap();
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            fs::write(committed.join(name), &code).unwrap();
        }
        let current = fs::read_to_string(committed.join(name)).unwrap();
        assert!(current == code, "{name} is out of date: set UPDATE_GENERATED=1 and run this test");
    }
}
