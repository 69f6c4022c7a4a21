//! One constructor a cause: calls of models, and what they may cost.

use std::fmt;

use super::{Error, ErrorCode};

impl Error {
    /// `stage` where it is the stage's budget, and not the run's.
    pub(crate) fn budget_exceeded(
        run: impl fmt::Display,
        stage: Option<&str>,
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

    pub(crate) fn awaited_cost(run: impl fmt::Display, stage: &str, error: &str) -> Self {
        let message = format!("run {run} waits with stage `{stage}` until its budget is raised: {error}");
        Self::new(ErrorCode::BudgetExceeded, message)
    }

    pub(crate) fn budget_too_low(
        run: impl fmt::Display,
        stage: Option<&str>,
        limit: Option<impl fmt::Display>,
    ) -> Self {
        let whose = stage.map(|stage| format!("stage `{stage}` of ")).unwrap_or_default();
        let why = limit.map_or_else(
            || "has no budget that could be raised".to_owned(),
            |limit| format!("has a budget of {limit} already, which is more"),
        );
        Self::new(ErrorCode::BudgetTooLow, format!("{whose}run {run} {why}"))
    }

    pub(crate) fn invalid_topic(topic: &str) -> Self {
        let shown: String = topic.chars().take(80).collect();
        Self::new(
            ErrorCode::InvalidTopic,
            format!(
                "{shown:?} is no topic: expected segments with a `.` between them, at most {} bytes, no control characters",
                Self::MAX_TOPIC_BYTES
            ),
        )
    }

    /// The longest topic, in bytes: it stands in an index.
    pub(crate) const MAX_TOPIC_BYTES: usize = 512;
}
