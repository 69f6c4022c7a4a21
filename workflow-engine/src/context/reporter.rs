//! The receiver of a running stage's log lines and progress.

use crate::records::LogLevel;
use crate::value::Json;

/// Receives the log lines and the progress of a running stage.
pub trait StageReporter: Send + Sync {
    /// Receives one log line.
    fn log(&self, level: LogLevel, message: &str, fields: Json);
    /// Receives progress; `fraction` is in `0.0..=1.0`.
    fn progress(&self, fraction: f64, message: &str);
}

pub(super) struct NoopReporter;

impl StageReporter for NoopReporter {
    fn log(&self, _: LogLevel, _: &str, _: Json) {}
    fn progress(&self, _: f64, _: &str) {}
}
