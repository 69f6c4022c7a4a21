//! Where the body of a stage runs.

use async_trait::async_trait;

use crate::language::{Execution, Json, StageDefinition, StageError};

/// Runs the body of one attempt. Timeout, cancellation and what becomes of the result are the kernel's.
#[async_trait]
pub trait ActivityExecutor: Send + Sync {
    /// Runs the body to its end. Dropping the future stops it at its next `.await`.
    ///
    /// # Errors
    /// The failure of this attempt; a panic is one.
    async fn execute(&self, stage: &StageDefinition, execution: Execution) -> Result<Json, StageError>;
}
