//! One constructor a cause: a ledger in memory.

use super::{Error, Kind};
use crate::records::Cost;

impl Error {
    pub(crate) fn over_memory_budget(budget: Cost, taken: Cost, asked: Cost) -> Self {
        let message = format!(
            "a budget of {budget}, of which {taken} are spent or reserved, leaves no room for a call that can cost {asked}"
        );
        Self::new(Kind::Conflict, Self::BUDGET_EXCEEDED, message)
    }
}
