//! Durable workflows as ordinary async functions.

mod engine;
mod error;
mod host;
mod id;
pub mod kernel;
mod language;
pub mod ports;
pub mod records;
pub mod stores;

pub use engine::{Engine, EngineBuilder, Events, RunHandle, Start};
pub use error::Error;
pub use id::RunId;
pub use language::{
    Backoff, Execution, Json, LogLevel, Payload, Reports, RetryPolicy, Stage, StageContext, StageDefinition,
    StageError, StageResult, StageScope, Undeclared, Workflow, WorkflowDefinition,
};

/// What a program that declares and runs workflows needs.
pub mod prelude {
    pub use crate::records::Status;
    pub use crate::{Engine, RunHandle, Stage, StageContext, StageError, StageResult, Workflow};
}
