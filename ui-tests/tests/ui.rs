//! Compiles every case under `stage/fail`, `check/fail` and `workflow/fail` and compares rustc's messages with the file beside it.
//!
//! `TRYBUILD=overwrite cargo test -p ui-tests --test ui` rewrites the files; `cargo test -p ui-tests --test ui -- ui
//! trybuild=parallel` compiles only the cases whose path contains that word.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/stage/fail/*.rs");
    cases.compile_fail("tests/check/fail/*.rs");
    cases.compile_fail("tests/workflow/fail/*.rs");
}
