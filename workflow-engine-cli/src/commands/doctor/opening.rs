//! Problems that keep a store from being opened.

use workflow_engine::{Error, ErrorCode};

use super::finding::Finding;

/// Returns the problem behind an error of opening, if it is one that a check knows.
pub fn finding(error: &Error) -> Option<Finding> {
    let check = match error.code() {
        // A failed store was migrated by a later version of the engine, or is damaged: the text says which.
        ErrorCode::SchemaOutdated | ErrorCode::StoreFailed => "schema",
        ErrorCode::StoreLocked => "transactions",
        ErrorCode::MissingPrivilege => "privileges",
        ErrorCode::DescriptorsExhausted => "descriptors",
        ErrorCode::StoreFileReplaced => "file",
        _ => return None,
    };
    Some(Finding::problem(check, error.to_string(), error.code().what_to_do()))
}
