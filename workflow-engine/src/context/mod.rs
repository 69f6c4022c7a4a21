//! The context of a running stage, its effects, and its error.

mod retry_decision;
mod stage_error;
mod stage_context;
mod scope;
mod services;
mod stored_outputs;
mod effects;
mod extensions;
mod reporter;
mod sleep;
mod tag_source;
mod child_runs;
mod run_details;
mod trace;
mod scheduled;

pub use effects::{ChildRun, Effects, StageArtifacts, StageStorage, StageTransaction};
pub use extensions::Extensions;
pub use reporter::StageReporter;
pub use retry_decision::{Retry, RetryDecision};
pub use scope::StageScope;
pub use stage_context::{AnyStage, StageContext};
pub use stage_error::{IntoStageError, StageError, StageResult};

pub(crate) use child_runs::{CheckedChild, ChildOutcome, ChildRuns};
pub(crate) use effects::{ArtifactSource, EffectBuffer, GivenArtifact};
pub(crate) use scheduled::SCHEDULE;
#[cfg(feature = "schedules")]
pub(crate) use scheduled::with_scheduled_for;
pub(crate) use services::ContextServices;
pub(crate) use sleep::Pause;
pub(crate) use stage_context::ContextParts;
pub(crate) use tag_source::TagSource;
pub(crate) use trace::{TRACEPARENT, caller_traceparent, parse_traceparent, with_traceparent};
