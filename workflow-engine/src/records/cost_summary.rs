//! The cost of the model calls of a run or a stage.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::value::Cost;

/// The cost of the model calls of a run or a stage, in all its generations together: a rerun does not reset it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CostSummary {
    /// The cost of the settled calls.
    pub cost: Cost,
    /// The tokens of their prompts and responses.
    pub tokens: u64,
    /// The most that the reserved and the unknown calls can cost.
    pub reserved: Cost,
    /// The number of reserved calls.
    pub pending_calls: u32,
    /// The limit of `cost` and `reserved` together, at the reservation of a call. For a stage, only the budget that the
    /// run has set for it; the budget that the stage declares is in its definition.
    pub budget: Option<Cost>,
}

impl CostSummary {
    /// Returns the sum of both, with the budget of the first.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            cost: self.cost + other.cost,
            tokens: self.tokens.saturating_add(other.tokens),
            reserved: self.reserved + other.reserved,
            pending_calls: self.pending_calls.saturating_add(other.pending_calls),
            budget: self.budget,
        }
    }

    /// Returns whether the budget admits another call of this cost. It always admits a call that costs nothing.
    pub(crate) fn admits(&self, reserve: Cost, budget: Option<Cost>) -> bool {
        reserve == Cost::ZERO || budget.is_none_or(|budget| self.cost + self.reserved + reserve <= budget)
    }
}
