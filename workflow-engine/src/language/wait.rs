//! Stages that wait: submitted once, then checked until they are ready.

use std::time::Duration;

use futures_util::future::BoxFuture;

use super::context::StageContext;
use super::failure::StageError;
use super::json::Json;

/// What a `#[check]` function finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check<T> {
    /// Not ready: it is checked again after the stage's `poll_every`.
    Pending,
    /// Not ready: it is checked again after this time, `poll_every` notwithstanding.
    PendingFor(Duration),
    /// Ready: the stage's output.
    Ready(T),
}

/// How a stage waits.
#[derive(Clone, Debug)]
pub struct WaitDefinition {
    /// Between two checks.
    pub poll_every: Duration,
    /// From the commit of the ticket until the stage fails.
    pub give_up_after: Duration,
    pub(crate) check: CheckEntry,
}

/// The erased check of a stage in one workflow.
pub(crate) type CheckEntry = fn(CheckExecution) -> BoxFuture<'static, Result<Verdict, StageError>>;

/// What a check is called with.
#[derive(Debug)]
pub struct CheckExecution {
    /// What the stage's body returned.
    pub ticket: Json,
    /// The stage's complete configuration.
    pub config: Json,
    /// The context of this attempt to check.
    pub context: StageContext,
}

/// What a check found, with the output in its stored form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not ready; `None` for the stage's `poll_every`.
    Pending(Option<Duration>),
    /// Ready: the stage's output.
    Ready(Json),
}
