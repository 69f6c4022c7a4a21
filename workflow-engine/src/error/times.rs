//! One constructor for each cause: instants that are to come, and deadlines.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};

use super::{Error, ErrorCode};

impl Error {
    /// A run that is to start later.
    pub(crate) fn run_not_due(run: impl fmt::Display, due: DateTime<Utc>) -> Self {
        Self::new(ErrorCode::NotDue, format!("run {run} waits until {}: it is to start then", shown(due)))
    }

    /// A stage after a `delay`.
    pub(crate) fn stage_not_due(
        run: impl fmt::Display,
        stage: impl fmt::Display,
        due: DateTime<Utc>,
    ) -> Self {
        let message =
            format!("stage `{stage}` of run {run} waits until {}: a `delay` is before it", shown(due));
        Self::new(ErrorCode::NotDue, message)
    }
}

/// Returns the text of an instant in UTC.
pub(crate) fn shown(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
