//! Stages that wait: for a check, or for a signal.

use std::time::Duration;

use futures_util::future::BoxFuture;
use schemars::Schema;

use crate::context::{StageContext, StageError};
use crate::value::{FieldPath, Json};

/// How a stage waits.
#[derive(Clone, Copy, Debug)]
pub struct WaitDefinition {
    /// The time between two checks. A stage that waits for a signal has one check at the end of its wait, and one after
    /// each signal.
    pub poll_every: Duration,
    /// The longest time from the commit of the ticket until the stage is ready; then the stage fails.
    pub give_up_after: Duration,
    pub(crate) check: CheckEntry,
    pub(crate) ticket_schema: fn() -> Schema,
    /// Returns the first field of a signal's payload that its type does not know; `None` for a stage that waits for a
    /// check.
    pub(crate) signal: Option<fn(&Json) -> Option<FieldPath>>,
}

impl WaitDefinition {
    /// The default of `poll_every`: 30 s.
    pub const POLL_EVERY: Duration = Duration::from_secs(30);
    /// The default of `give_up_after`: 24 h.
    pub const GIVE_UP_AFTER: Duration = Duration::from_secs(24 * 3_600);

    /// With the default durations.
    pub(crate) const fn new(check: CheckEntry, ticket_schema: fn() -> Schema) -> Self {
        Self {
            poll_every: Self::POLL_EVERY,
            give_up_after: Self::GIVE_UP_AFTER,
            check,
            ticket_schema,
            signal: None,
        }
    }

    /// Waits for a signal, whose payload is the stage's output.
    pub(crate) const fn for_signal(mut self, find_unknown: fn(&Json) -> Option<FieldPath>) -> Self {
        self.signal = Some(find_unknown);
        self
    }

    /// Waits for a run, whose end makes the check due.
    pub(crate) const fn for_child(mut self, poll_every: Duration, give_up_after: Duration) -> Self {
        self.poll_every = poll_every;
        self.give_up_after = give_up_after;
        self
    }

    /// Whether the stage waits for a signal, whose payload is its output: the option `signal`. Otherwise it waits for its
    /// check.
    #[must_use]
    pub const fn is_signal(&self) -> bool {
        self.signal.is_some()
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

    /// Returns the JSON Schema of the ticket, which the stage's function returns and its check takes. Of a stage that waits
    /// for a signal, it is the schema of the question.
    #[must_use]
    pub fn ticket_schema(&self) -> Schema {
        (self.ticket_schema)()
    }
}

/// The erased check of a stage in one workflow.
pub(crate) type CheckEntry = fn(CheckExecution) -> BoxFuture<'static, Result<CheckOutcome, StageError>>;

/// The arguments of a check.
#[derive(Debug)]
pub struct CheckExecution {
    /// The ticket that the stage's body returned.
    pub ticket: Json,
    /// The payload of the oldest signal that no wait has consumed, for a stage that waits for one.
    pub signal: Option<Json>,
    /// The stage's complete configuration.
    pub config: Json,
    /// The context of this check.
    pub context: StageContext,
}

/// The result of a check, with the output in its stored form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckOutcome {
    /// Not ready; the time until the next check, or `None` for the stage's `poll_every`.
    Pending(Option<Duration>),
    /// Ready, with the stage's output.
    Ready(Json),
}
