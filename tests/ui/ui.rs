//! What must not compile, and what the compiler then says. Each error is read as its user meets it.

#[test]
fn mistakes_are_told_where_they_were_made() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/*/fail/*.rs");
    cases.pass("ui/*/pass/*.rs");
}
