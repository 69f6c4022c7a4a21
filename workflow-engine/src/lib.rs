//! Durable workflows as ordinary async functions.

// Generated code names this crate by its own name, also in this crate's tests.
extern crate self as workflow_engine;

mod error;
mod id;
mod language;

pub use error::Error;
pub use id::RunId;
pub use language::{
    Backoff, Execution, Json, LogLevel, Payload, Reports, RetryPolicy, Stage, StageContext, StageDefinition,
    StageError, StageResult, StageScope, Undeclared, Workflow, WorkflowDefinition,
};

// The language, for generated code and its users.
#[doc(hidden)]
pub use language::private as __private;
pub use language::{NoConfig, NoInput, Requirement, StageDeclaration, StagePath};
pub use workflow_engine_macros::{stage, workflow};

/// What a program that declares and runs workflows needs.
pub mod prelude {
    pub use crate::{Stage, StageContext, StageError, StageResult, Workflow};
    pub use crate::{stage, workflow};
}
