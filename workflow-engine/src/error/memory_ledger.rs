//! One constructor a cause: a ledger in memory.

use std::fmt;

use super::{Error, ErrorCode};

impl Error {
    pub(crate) fn over_memory_budget(
        budget: impl fmt::Display,
        taken: impl fmt::Display,
        asked: impl fmt::Display,
    ) -> Self {
        let message = format!(
            "a budget of {budget}, of which {taken} are spent or reserved, leaves no room for a call that can cost {asked}"
        );
        Self::new(ErrorCode::BudgetExceeded, message)
    }
}
