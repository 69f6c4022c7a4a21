//! Compiles every case under `stage` and `workflow`: those in `pass` without a word, those in `fail` with exactly
//! the text beside them.
//!
//! `TRYBUILD=overwrite cargo test -p ui-tests --test ui` writes the texts anew; `cargo test -p ui-tests --test ui --
//! trybuild=parallel` compiles only the cases whose path contains that word.

#[test]
fn the_macros_accept_and_refuse() {
    let cases = trybuild::TestCases::new();
    cases.pass("tests/stage/pass/*.rs");
    cases.pass("tests/workflow/pass/*.rs");
    cases.compile_fail("tests/stage/fail/*.rs");
    cases.compile_fail("tests/workflow/fail/*.rs");
}
