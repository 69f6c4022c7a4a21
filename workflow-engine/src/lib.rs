//! Durable workflows as ordinary async functions.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

// Generated code names this crate by its own name, also in this crate's tests.
extern crate self as workflow_engine;

#[cfg(feature = "failpoints")]
#[doc(hidden)]
pub mod failpoints;
#[cfg(not(feature = "failpoints"))]
mod failpoints;
mod hex;
mod id;
mod error;
mod language;
pub mod presets;
pub mod records;
pub mod ports;
pub mod kernel;
pub mod stores;
pub mod blobs;
pub mod sinks;
mod host;
mod engine;
#[cfg(feature = "ai")]
pub mod ai;
#[cfg(feature = "testing")]
pub mod testing;

pub use engine::{Engine, EngineBuilder, Events, Logs, RunHandle, StartRun};
pub use error::Error;
pub use host::serverless;
pub use id::RunId;
pub use language::{
    Annotation, AnnotationKey, AnyStage, Backoff, Check, CheckExecution, CheckFunction, CheckOutcome,
    Effects, Execution, HasLength, HasPattern, HasRange, Json, LengthUnit, LogLevel, NoConfig, NoInput,
    OverBudget, Payload, Requirement, RetryPolicy, SqlValue, Stage, StageArtifacts, StageContext,
    StageDeclaration, StageDefinition, StageError, StagePath, StageReporter, StageResult, StageScope,
    StageStorage, StageTransaction, Statement, Storable, WaitDefinition, Workflow, WorkflowDefinition,
};
pub use ports::AnnotationFilter;
pub use workflow_engine_macros::{check, stage, workflow};

// For generated code alone; it has no stability of its own.
#[doc(hidden)]
pub use language::private as __private;

/// What a program that declares and runs workflows needs.
pub mod prelude {
    pub use crate::records::Status;
    pub use crate::{Check, Engine, RunHandle, Stage, StageContext, StageError, StageResult, Workflow};
    pub use crate::{check, stage, workflow};
}
