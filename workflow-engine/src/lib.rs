//! Durable workflows as ordinary async functions.

mod error;
mod id;
mod language;
pub mod ports;
pub mod records;
pub mod stores;
#[cfg(feature = "testing")]
pub mod testing;

pub use error::Error;
pub use id::RunId;
pub use language::{
    Backoff, Execution, Json, LogLevel, Payload, Reports, RetryPolicy, Stage, StageContext, StageDefinition,
    StageError, StageResult, StageScope, Undeclared, Workflow, WorkflowDefinition,
};

/// What a program that declares and runs workflows needs.
pub mod prelude {
    pub use crate::{Stage, StageContext, StageError, StageResult, Workflow};
}
