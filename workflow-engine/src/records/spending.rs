//! What calls of models have cost a run or a stage.

use crate::value::Cost;

/// What calls of models have cost a run or a stage, in all its generations together: what is spent stays spent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CostSummary {
    /// Of the calls that are settled.
    pub cost: Cost,
    /// Of their prompts and answers.
    pub tokens: u64,
    /// What the calls that are intended or unknown can cost at most.
    pub reserved: Cost,
    /// How many calls are intended now.
    pub pending_calls: u32,
    /// The most that `cost` and `reserved` may come to when a call is intended. Of a stage only where the run says so;
    /// what the stage declares stands in its definition.
    pub budget: Option<Cost>,
}

impl CostSummary {
    /// Whether another call that costs so much is within the budget. One that costs nothing always is.
    pub(crate) fn admits(&self, reserve: Cost, budget: Option<Cost>) -> bool {
        reserve == Cost::ZERO || budget.is_none_or(|budget| self.cost + self.reserved + reserve <= budget)
    }
}
