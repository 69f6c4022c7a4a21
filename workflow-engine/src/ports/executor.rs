//! Where the body of a stage runs.

use async_trait::async_trait;

use crate::context::StageError;
use crate::definition::{CheckExecution, CheckOutcome, Execution, StageDefinition, WaitDefinition};
use crate::value::Json;

/// Runs the body of one attempt. Timeout, cancellation and what becomes of the result are the kernel's.
#[async_trait]
pub trait ActivityExecutor: Send + Sync {
    /// Runs the body to its end. Dropping the future stops it at its next `.await`.
    ///
    /// # Errors
    /// The failure of this attempt; a panic is one.
    async fn execute(&self, stage: &StageDefinition, execution: Execution) -> Result<Json, StageError>;

    /// Runs one check of a stage that waits.
    ///
    /// # Errors
    /// The failure of this check; a panic is one.
    async fn check(&self, wait: &WaitDefinition, check: CheckExecution) -> Result<CheckOutcome, StageError>;
}
