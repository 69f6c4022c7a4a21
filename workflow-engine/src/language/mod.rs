//! The language: what `#[stage]` and `workflow!` lower to. It knows no store, no host and no SQL.

mod context;
mod definition;
mod failure;
mod json;
mod payload;
mod retry;
mod stage;
mod workflow;

pub use context::{LogLevel, Reports, StageContext, StageScope, Undeclared};
pub use definition::{Execution, StageDefinition, WorkflowDefinition};
pub use failure::{StageError, StageResult};
pub use json::Json;
pub use payload::Payload;
pub use retry::{Backoff, RetryPolicy};
pub use stage::Stage;
pub use workflow::Workflow;
