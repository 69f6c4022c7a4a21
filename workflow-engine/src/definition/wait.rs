//! Stages that wait: submitted once, then checked until they are ready.

use std::time::Duration;

use futures_util::future::BoxFuture;
use schemars::Schema;

use crate::context::{StageContext, StageError};
use crate::value::Json;

/// How a stage waits.
#[derive(Clone, Copy, Debug)]
pub struct WaitDefinition {
    /// Between two checks.
    pub poll_every: Duration,
    /// From the commit of the ticket until the stage fails.
    pub give_up_after: Duration,
    pub(crate) check: CheckEntry,
    pub(crate) ticket_schema: fn() -> Schema,
}

impl WaitDefinition {
    /// Between two checks, where `#[stage]` does not say `poll_every`: 30 s.
    pub const POLL_EVERY: Duration = Duration::from_secs(30);
    /// Until the stage fails, where `#[stage]` does not say `give_up_after`: 24 h.
    pub const GIVE_UP_AFTER: Duration = Duration::from_secs(24 * 3_600);

    /// With the default intervals.
    pub(crate) const fn new(check: CheckEntry, ticket_schema: fn() -> Schema) -> Self {
        Self { poll_every: Self::POLL_EVERY, give_up_after: Self::GIVE_UP_AFTER, check, ticket_schema }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn poll_every_millis(mut self, millis: u64) -> Self {
        self.poll_every = Duration::from_millis(millis);
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn give_up_after_millis(mut self, millis: u64) -> Self {
        self.give_up_after = Duration::from_millis(millis);
        self
    }

    /// The JSON Schema of the ticket: what the stage's function returns, and its check takes.
    #[must_use]
    pub fn ticket_schema(&self) -> Schema {
        (self.ticket_schema)()
    }
}

/// The erased check of a stage in one workflow.
pub(crate) type CheckEntry = fn(CheckExecution) -> BoxFuture<'static, Result<CheckOutcome, StageError>>;

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
pub enum CheckOutcome {
    /// Not ready; `None` for the stage's `poll_every`.
    Pending(Option<Duration>),
    /// Ready: the stage's output.
    Ready(Json),
}
