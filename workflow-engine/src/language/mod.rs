//! The language: what `#[stage]` and `workflow!` lower to. It knows no store, no host and no SQL.

mod context;
mod cost;
mod calls;
mod effects;
mod failure;
mod empty;
mod payload;
mod record;
pub(crate) mod rules;
mod require;
mod retry;
mod returns;
mod stage;

mod check;
mod config;
mod definition;
mod edge;
mod entry;
mod upstream;
mod message;
mod outputs;
mod table;
mod wait;
mod check_function;
mod workflow;

mod description;
mod drawing;
pub(crate) mod fingerprint;
pub(crate) mod normal;
mod plan;
mod schema;

mod json;
mod sleep;

#[doc(hidden)]
pub mod ide;

#[doc(hidden)]
pub mod private;

pub use calls::{
    BatchNames, CallId, CallLedger, CallOutcome, CallReservation, CallStatistics, CallSums, CallType,
    SettledCall,
};
pub use check_function::CheckFunction;
pub(crate) use config::ConfigFault;
pub(crate) use context::ContextServices;
pub use context::{AnyStage, LogLevel, StageContext, StageReporter, StageScope};
pub use cost::Cost;
pub use definition::{Execution, StageDefinition, WorkflowDefinition};
pub use effects::{
    Annotation, AnnotationKey, Effects, SqlValue, StageArtifacts, StageStorage, StageTransaction, Statement,
};
pub(crate) use effects::{ArtifactSource, EffectBuffer};
pub use empty::{NoConfig, NoInput};
pub use failure::{StageError, StageResult};
pub use json::Json;
pub use payload::{Payload, Storable};
pub(crate) use record::nearest;
pub use retry::{Backoff, RetryPolicy};
pub use rules::{HasLength, HasPattern, HasRange, LengthUnit};
pub(crate) use sleep::Pause;
pub use stage::{OverBudget, Requirement, Stage, StageDeclaration, StagePath};
pub use wait::{Check, CheckExecution, CheckOutcome, WaitDefinition};
pub use workflow::Workflow;

#[cfg(test)]
mod tests;
