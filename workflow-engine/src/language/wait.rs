//! Stages that wait: submitted once, then checked until they are ready.

use std::time::Duration;

use futures_util::future::BoxFuture;
use schemars::{Schema, SchemaGenerator};

use super::check_function::{self, CheckFunction, Waits};
use super::context::StageContext;
use super::failure::StageError;
use super::json::Json;
use super::payload::Storable;

/// What a [`#[check]`](macro@crate::check) function finds.
///
/// ```
/// use std::time::Duration;
/// use workflow_engine::prelude::*;
///
/// #[check]
/// async fn arrived(parcel: &String) -> StageResult<Check<usize>> {
///     Ok(match parcel.as_str() {
///         "lost" => return Err(StageError::permanent("the parcel is lost")),
///         "abroad" => Check::PendingFor(Duration::from_secs(86_400)),
///         "" => Check::Pending,
///         parcel => Check::Ready(parcel.len()),
///     })
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), StageError> {
/// assert_eq!(arrived(&"shoes".to_owned()).await?, Check::Ready(5));
/// # Ok(())
/// # }
/// ```
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
#[derive(Clone, Copy, Debug)]
pub struct WaitDefinition {
    /// Between two checks.
    pub poll_every: Duration,
    /// From the commit of the ticket until the stage fails.
    pub give_up_after: Duration,
    pub(crate) check: CheckEntry,
    pub(super) ticket_schema: fn() -> Schema,
}

impl WaitDefinition {
    /// Between two checks, where `#[stage]` does not say `poll_every`: 30 s.
    pub const POLL_EVERY: Duration = Duration::from_secs(30);
    /// Until the stage fails, where `#[stage]` does not say `give_up_after`: 24 h.
    pub const GIVE_UP_AFTER: Duration = Duration::from_secs(24 * 3_600);

    /// How the stage `S` waits, with the defaults of everything that `#[stage(…)]` did not mention.
    #[doc(hidden)]
    #[must_use]
    pub const fn of<S: Waits>() -> Self {
        Self {
            poll_every: Self::POLL_EVERY,
            give_up_after: Self::GIVE_UP_AFTER,
            check: check_function::entry::<S>,
            ticket_schema: || <S::Check as CheckFunction>::Ticket::root_schema(SchemaGenerator::default()),
        }
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
