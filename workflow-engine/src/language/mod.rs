//! The language: what `#[stage]` and `workflow!` lower to. It knows no store, no host and no SQL.

mod context;
mod cost;
mod calls;
mod effects;
mod failure;
mod nothing;
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
mod handed;
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
mod pause;

#[doc(hidden)]
pub mod ide;

#[doc(hidden)]
pub mod private;

pub use calls::{CallEnd, CallId, CallLedger, CallStatistics, CallSums, CallType, IntendedCall, SettledCall};
pub use check_function::CheckFunction;
pub(crate) use config::ConfigFault;
pub(crate) use context::Surroundings;
pub use context::{LogLevel, Reports, StageContext, StageScope, Undeclared};
pub use cost::Cost;
pub use definition::{Execution, StageDefinition, WorkflowDefinition};
pub use effects::{
    Annotation, AnnotationKey, Effects, SqlValue, StageArtifacts, StageStorage, StageTransaction, Statement,
};
pub(crate) use effects::{ArtifactSource, EffectBuffer};
pub use failure::{StageError, StageResult};
pub use json::Json;
pub use nothing::{NoConfig, NoInput};
pub(crate) use pause::Pause;
pub use payload::{Payload, Storable};
pub(crate) use record::nearest;
pub use retry::{Backoff, RetryPolicy};
pub use rules::{HasLength, HasPattern, HasRange, LengthUnit};
pub use stage::{OverBudget, Requirement, Stage, StageDeclaration, StagePath};
pub use wait::{Check, CheckExecution, Verdict, WaitDefinition};
pub use workflow::Workflow;

#[cfg(test)]
mod tests;
