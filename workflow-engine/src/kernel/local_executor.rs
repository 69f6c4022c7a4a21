//! The executor that runs bodies in this process.

use std::any::Any;

use async_trait::async_trait;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use crate::context::StageError;
use crate::definition::{CheckExecution, CheckOutcome, Execution, StageDefinition, WaitDefinition};
use crate::ports::ActivityExecutor;
use crate::value::Json;

/// Runs each body in its own task on the current tokio runtime, so that a panic only fails the attempt.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalExecutor;

#[async_trait]
impl ActivityExecutor for LocalExecutor {
    async fn execute(&self, stage: &StageDefinition, execution: Execution) -> Result<Json, StageError> {
        let entry = stage.entry;
        in_own_task(async move { entry(execution).await }).await
    }

    async fn check(
        &self,
        wait: &WaitDefinition,
        execution: CheckExecution,
    ) -> Result<CheckOutcome, StageError> {
        let check = wait.check;
        in_own_task(async move { check(execution).await }).await
    }
}

async fn in_own_task<T: Send + 'static>(
    body: impl Future<Output = Result<T, StageError>> + Send + 'static,
) -> Result<T, StageError> {
    // So that what the body logs, and its calls of models, are parts of the attempt.
    let error = match AbortOnDropHandle::new(tokio::spawn(body.in_current_span())).await {
        Ok(result) => return result,
        Err(error) => error,
    };
    Err(match error.try_into_panic() {
        Ok(panic) => StageError::retryable(format_args!("panicked: {}", panic_text(&*panic))),
        // Only a runtime that shuts down ends the task: the handle is still held.
        Err(error) => StageError::interrupted(format_args!("its runtime was shut down: {error}")),
    })
}

/// Returns the message of a panic.
pub(super) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("of an unknown type")
}
