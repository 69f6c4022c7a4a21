//! One constructor for each cause: model calls and their budgets.

use std::fmt;

use super::{Error, ErrorCode};

impl Error {
    /// `stage` is given if the stage's own budget is exceeded, not the run's.
    pub(crate) fn budget_exceeded(
        run: impl fmt::Display,
        stage: Option<impl fmt::Display>,
        [spent, reserved, asked, limit]: [impl fmt::Display; 4],
    ) -> Self {
        let whose = stage.map(|stage| format!("stage `{stage}` of ")).unwrap_or_default();
        Self::new(
            ErrorCode::BudgetExceeded,
            format!(
                "the budget of {whose}run {run} is {limit}: {spent} spent and {reserved} reserved leave no room for a \
                 call that can cost {asked}; `run.raiseBudget` raises it"
            ),
        )
    }

    /// A call that the budget of a ledger in memory does not admit.
    #[cfg(feature = "ai")]
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

    pub(crate) fn budget_awaited(run: impl fmt::Display, stage: impl fmt::Display, error: &str) -> Self {
        let message = format!("stage `{stage}` of run {run} waits until its budget is raised: {error}");
        Self::new(ErrorCode::BudgetExceeded, message)
    }

    pub(crate) fn budget_too_low(
        run: impl fmt::Display,
        stage: Option<impl fmt::Display>,
        limit: Option<impl fmt::Display>,
    ) -> Self {
        let whose = stage.map(|stage| format!("stage `{stage}` of ")).unwrap_or_default();
        let why = limit.map_or_else(
            || "has no budget to raise".to_owned(),
            |limit| format!("already has a budget of {limit}, which is higher"),
        );
        Self::new(ErrorCode::BudgetTooLow, format!("{whose}run {run} {why}"))
    }

    pub(crate) fn invalid_topic(topic: &str) -> Self {
        let shown: String = topic.chars().take(80).collect();
        Self::new(
            ErrorCode::InvalidTopic,
            format!(
                "{shown:?} is not a topic: expected segments separated by `.`, at most {} bytes, no control characters",
                Self::MAX_TOPIC_BYTES
            ),
        )
    }

    /// The longest topic, in bytes: topics are indexed.
    pub(crate) const MAX_TOPIC_BYTES: usize = 512;
}
