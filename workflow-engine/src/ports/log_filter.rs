//! A filter for log lines.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::records::{LogLevel, LogRecord};
use crate::value::StageKey;

/// Selects log lines of a run: those that match every condition that is set.
///
/// ```
/// use workflow_engine::{LogFilter, LogLevel};
///
/// let warnings = LogFilter::new().stage("charge").at_least(LogLevel::Warn).newest_first();
/// # let _ = warnings;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
#[must_use]
pub struct LogFilter {
    /// The stage that the line is about. A key without a place selects every place of its stage.
    #[serde(rename = "stage_id", skip_serializing_if = "Option::is_none")]
    pub stage_key: Option<StageKey>,
    /// The stage's attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The least severity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<LogLevel>,
    /// Whether only lines about the run as a whole match, which have no stage.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub run_only: bool,
    /// Whether the list begins with the newest line.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub newest_first: bool,
}

impl LogFilter {
    /// Creates a filter without conditions, oldest line first.
    pub fn new() -> Self {
        Self::default()
    }

    /// Selects lines of this stage: `embed` for every place of it, `embed[17]` for one.
    pub fn stage(mut self, stage_key: impl Into<StageKey>) -> Self {
        self.stage_key = Some(stage_key.into());
        self
    }

    /// Selects lines about the run as a whole.
    pub const fn run_only(mut self) -> Self {
        self.run_only = true;
        self
    }

    /// Selects lines of this attempt.
    pub const fn attempt(mut self, attempt: u32) -> Self {
        self.attempt = Some(attempt);
        self
    }

    /// Selects lines of this severity and of higher ones.
    pub const fn at_least(mut self, level: LogLevel) -> Self {
        self.level = Some(level);
        self
    }

    /// Begins with the newest line.
    pub const fn newest_first(mut self) -> Self {
        self.newest_first = true;
        self
    }

    /// Returns whether a line matches.
    #[must_use]
    pub fn admits(&self, line: &LogRecord) -> bool {
        self.stage_key.as_ref().is_none_or(|key| key.selects_of(line.stage_id.as_deref(), &line.place))
            && (self.attempt.is_none() || self.attempt == line.attempt)
            && !(self.run_only && line.stage_id.is_some())
            && self.level.is_none_or(|level| line.level >= level)
    }

    /// Returns the names of the severities that match; none for all.
    #[cfg_attr(
        not(any(feature = "sqlite", feature = "postgres")),
        allow(dead_code, reason = "only a store on SQL needs it")
    )]
    pub(crate) fn levels(&self) -> Option<Vec<&'static str>> {
        let least = self.level?;
        let levels = [LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error];
        Some(levels.into_iter().filter(|level| *level >= least).map(LogLevel::as_str).collect())
    }
}
