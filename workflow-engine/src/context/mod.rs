//! What a running stage can ask of the engine, and the error with which it ends.

mod stage_error;
mod reporter;
mod sleep;
mod extensions;
mod effects;
mod stage_context;
mod ledger;

pub use effects::{Effects, StageArtifacts, StageStorage, StageTransaction};
pub use extensions::Extensions;
pub use reporter::StageReporter;
pub use stage_context::{AnyStage, StageContext, StageScope};
pub use stage_error::{StageError, StageResult};

pub(crate) use effects::{ArtifactSource, EffectBuffer, GivenArtifact};
pub(crate) use sleep::Pause;
pub(crate) use stage_context::ContextServices;
