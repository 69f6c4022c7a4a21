//! The page `docs/error-codes.md` is the table of `ErrorCode`; `UPDATE_EXPECT=1` rewrites it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use expect_test::expect_file;
use workflow_engine::ErrorCode;

#[test]
fn every_code_has_its_own_text_and_is_found_by_it() {
    let texts: BTreeSet<&str> = ErrorCode::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(texts.len(), ErrorCode::ALL.len());
    for code in ErrorCode::ALL {
        assert_eq!(ErrorCode::from_text(code.as_str()), Some(*code));
        let is_capitals = code.as_str().bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        assert!(is_capitals, "{code}");
        assert_eq!(serde_json::to_string(code).unwrap(), format!("{:?}", code.as_str()));
    }
    assert_eq!(ErrorCode::from_text("NO_SUCH_CODE"), None);
}

#[test]
fn the_page_lists_every_code() {
    let mut page = String::from(
        "# Error codes\n\n\
         `Error::code` returns an `ErrorCode`; a failed run keeps the code of its failure.\n\
         The text of a code is stable: match on it in other programs and in alerts.\n\
         \"Retryable\" means that something was not available, and that the same call may succeed later. Two other codes ask for a repetition as well: `IDEMPOTENCY_IN_PROGRESS` and `RUN_ID_TAKEN`.\n\n\
         | code | when | retryable | what to do |\n|---|---|---|---|\n",
    );
    for code in ErrorCode::ALL {
        let retryable = if code.is_retryable() { "yes" } else { "no" };
        writeln!(page, "| `{code}` | {} | {retryable} | {} |", code.when(), code.what_to_do()).unwrap();
    }
    expect_file!["../../../docs/error-codes.md"].assert_eq(&page);
}
