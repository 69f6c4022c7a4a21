//! The executor: runs the body of a stage.

use async_trait::async_trait;

use crate::context::StageError;
use crate::definition::{CheckExecution, CheckOutcome, Execution, StageDefinition, WaitDefinition};
use crate::value::Json;

/// Runs the body of one attempt. The kernel handles the timeout, cancellation and the result.
#[async_trait]
pub trait ActivityExecutor: Send + Sync {
    /// Runs the body to its end. Dropping the future stops the body at its next `.await`.
    ///
    /// # Errors
    /// The failure of this attempt. A panic counts as one.
    async fn execute(&self, stage: &StageDefinition, execution: Execution) -> Result<Json, StageError>;

    /// Runs one check of a suspended stage.
    ///
    /// # Errors
    /// The failure of this check. A panic counts as one.
    async fn check(&self, wait: &WaitDefinition, check: CheckExecution) -> Result<CheckOutcome, StageError>;
}
