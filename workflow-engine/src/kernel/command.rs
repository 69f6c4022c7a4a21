//! What every command is.

use async_trait::async_trait;

use super::Kernel;
use crate::error::Error;

/// A request to the kernel, with the type of its answer.
#[async_trait]
pub trait Command: Send {
    /// What it is answered.
    type Output;

    /// The command's name, `run.create` for example: the scope of its idempotency keys.
    const NAME: &'static str;

    /// Loads, decides, commits and hints.
    ///
    /// # Errors
    /// As each command documents.
    async fn execute(self, kernel: &Kernel) -> Result<Self::Output, Error>;
}
