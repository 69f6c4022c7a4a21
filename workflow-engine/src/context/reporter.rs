//! The receiver of a running stage's log lines and progress.

use serde::Serialize;

use crate::records::LogLevel;
use crate::value::{Json, exact};

/// Receives the log lines and the progress of a running stage.
pub trait StageReporter: Send + Sync {
    /// Receives one log line about the stage.
    fn log(&self, level: LogLevel, message: &str, fields: Json);
    /// Receives one log line about the run as a whole.
    fn log_run(&self, level: LogLevel, message: &str, fields: Json);
    /// Receives progress; `fraction` is in `0.0..=1.0`.
    fn progress(&self, fraction: f64, message: &str);
}

/// Returns the fields of a log line as JSON. A line is stored even if its fields cannot be written: they are replaced by
/// the reason.
pub(super) fn encode_fields(fields: impl Serialize) -> Json {
    exact::encode_leniently(&fields).unwrap_or_else(|fault| {
        if fault.is_too_deep() {
            // Dropping it here could overflow the stack, and it need not be `Send`.
            std::mem::forget(fields);
        }
        Json::write(&format!("({})", fault.code())).unwrap_or_else(|_| Json::null())
    })
}

pub(super) struct NoopReporter;

impl StageReporter for NoopReporter {
    fn log(&self, _: LogLevel, _: &str, _: Json) {}
    fn log_run(&self, _: LogLevel, _: &str, _: Json) {}
    fn progress(&self, _: f64, _: &str) {}
}
