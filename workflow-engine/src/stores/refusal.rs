//! Why a statement of the user is refused.

use std::error::Error as StdError;

use crate::error::{Error, ErrorCode};
use crate::records::Statement;

/// The refusal of a statement, by the database or because its expectation is not met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    code: ErrorCode,
    /// No further attempt follows.
    is_final: bool,
}

impl Refusal {
    /// The database has refused a statement, not because of a constraint.
    pub(super) const FAILED: Self = Self { code: ErrorCode::StatementFailed, is_final: false };

    /// The statement violates a constraint.
    pub(super) fn conflict(statement: &Statement) -> Self {
        Self { code: ErrorCode::StatementConflict, is_final: !statement.is_retried() }
    }

    /// A constraint is violated that one of these statements has deferred.
    pub(super) fn deferred_conflict<'s>(mut statements: impl Iterator<Item = &'s Statement>) -> Self {
        let is_final = statements.any(|statement| !statement.is_retried());
        Self { code: ErrorCode::StatementConflict, is_final }
    }

    /// The statement has changed another number of rows than it expects.
    pub(super) fn unmet(statement: &Statement) -> Self {
        Self { code: ErrorCode::StatementUnmet, is_final: !statement.is_retried() }
    }

    pub(super) fn into_error(self, which: &str, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        Error::statement_refused(self.code, self.is_final, which, source)
    }
}
