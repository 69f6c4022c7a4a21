//! What a stage asks to be written with its outcome: annotations, artifacts, metrics, and statements of its own.
//!
//! All of it is data that is gathered while the body runs. It is committed with what the body returns, or with what a
//! check finds, in one transaction; an attempt that fails leaves nothing of it.

mod buffer;
mod artifact_source;
mod artifacts;
mod transaction;
mod context_ext;
#[cfg(test)]
mod tests;

pub use artifacts::{StageArtifacts, StageStorage};
pub use buffer::Effects;
pub use transaction::StageTransaction;

pub(crate) use artifact_source::{ArtifactSource, GivenArtifact, NoArtifacts};
pub(crate) use buffer::EffectBuffer;
