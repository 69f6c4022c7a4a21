//! Where log lines and progress of a running stage go.

use crate::records::LogLevel;
use crate::value::Json;

/// Where a stage's log lines and progress go.
pub trait StageReporter: Send + Sync {
    /// One log line.
    fn log(&self, level: LogLevel, message: &str, fields: Json);
    /// How far the stage is: `fraction` in `0.0..=1.0`.
    fn progress(&self, fraction: f64, message: &str);
}

pub(super) struct NoopReporter;

impl StageReporter for NoopReporter {
    fn log(&self, _: LogLevel, _: &str, _: Json) {}
    fn progress(&self, _: f64, _: &str) {}
}
