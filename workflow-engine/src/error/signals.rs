//! One constructor for each cause: signals.

use std::fmt;

use super::{Error, ErrorCode};

/// Why a signal is too late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignalTooLate<'a> {
    /// Another signal was first, from this sender as far as it is known.
    Answered(Option<&'a str>),
    /// The stage was skipped.
    Skipped,
    /// The stage has failed, or its wait has timed out.
    Failed,
}

impl Error {
    pub(crate) fn invalid_signal(stage: impl fmt::Display, path: &str, reason: impl fmt::Display) -> Self {
        let place = if path.is_empty() { String::new() } else { format!("at `{path}`, ") };
        Self::new(
            ErrorCode::InvalidSignal,
            format!("the payload of a signal of stage `{stage}` is not valid: {place}{reason}"),
        )
    }

    pub(crate) fn unstorable_signal(
        stage: impl fmt::Display,
        code: ErrorCode,
        fault: impl fmt::Display,
    ) -> Self {
        Self::new(code, format!("the payload of a signal of stage `{stage}` cannot be stored: {fault}"))
    }

    pub(crate) fn not_a_signal_stage(
        run: impl fmt::Display,
        stage: impl fmt::Display,
        known: &[&str],
    ) -> Self {
        let hint = if known.is_empty() {
            "no stage of its workflow waits for one".to_owned()
        } else {
            format!("the stages that do are `{}`", known.join("`, `"))
        };
        let message = format!("stage `{stage}` of run {run} does not wait for a signal: {hint}");
        Self::new(ErrorCode::NotASignalStage, message)
    }

    pub(crate) fn run_over(
        run: impl fmt::Display,
        stage: impl fmt::Display,
        status: impl fmt::Display,
    ) -> Self {
        let message = format!("run {run} is {status}, so its stage `{stage}` takes no signal");
        Self::new(ErrorCode::RunOver, message)
    }

    pub(crate) fn signal_too_late(
        run: impl fmt::Display,
        stage: impl fmt::Display,
        why: SignalTooLate<'_>,
    ) -> Self {
        let reason = match why {
            SignalTooLate::Answered(Some(actor)) => format!("`{actor}` was first"),
            SignalTooLate::Answered(None) => "another signal was first".to_owned(),
            SignalTooLate::Skipped => "it was skipped".to_owned(),
            SignalTooLate::Failed => "it has failed, or its wait has timed out".to_owned(),
        };
        let message = format!("a signal for stage `{stage}` of run {run} is too late: {reason}");
        Self::new(ErrorCode::SignalTooLate, message)
    }

    pub(crate) fn too_many_signals(run: impl fmt::Display, stage: impl fmt::Display, limit: u64) -> Self {
        let message = format!(
            "stage `{stage}` of run {run} has {limit} signals in its queue, which is the limit: it takes one for each wait"
        );
        Self::new(ErrorCode::TooManySignals, message)
    }
}
