//! Effects of a stage that are committed with its outcome: annotations, artifacts, metrics, SQL statements and
//! runs.
//!
//! The context collects them as data while the function or the check runs. They are committed in the transaction that
//! commits the outcome. The effects of a failed attempt are dropped.

mod child_run;
mod buffer;
mod artifact_source;
mod artifacts;
mod transaction;
mod context_ext;
#[cfg(test)]
mod tests;

pub use artifacts::{StageArtifacts, StageStorage};
pub use buffer::Effects;
pub use child_run::ChildRun;
pub use transaction::StageTransaction;

pub(crate) use artifact_source::{ArtifactSource, GivenArtifact, NoArtifacts};
pub(crate) use buffer::EffectBuffer;
