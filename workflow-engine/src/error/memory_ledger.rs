//! The error of a ledger in memory.

use std::fmt;

use super::{Error, ErrorCode};

impl Error {
    pub(crate) fn over_memory_budget(
        budget: impl fmt::Display,
        taken: impl fmt::Display,
        asked: impl fmt::Display,
    ) -> Self {
        let message = format!(
            "the budget is {budget}: {taken} spent and reserved leave no room for a call that can cost {asked}"
        );
        Self::new(ErrorCode::BudgetExceeded, message)
    }
}
