//! The services behind a context.

use std::sync::Arc;

use super::child_runs::{ChildRuns, NoChildRuns};
use super::effects::{ArtifactSource, EffectBuffer, NoArtifacts};
use super::extensions::Extensions;
use super::reporter::{NoopReporter, StageReporter};
use super::sleep::{NoPause, Pause};
use super::tag_source::{GivenTags, TagSource};
use crate::ledger::{CallLedger, NoCalls};

/// The receivers of reports and effects, the source of artifacts, the ledger, the tags of the run, the runs that it starts, the
/// clock, and the program's own values.
#[derive(Clone)]
pub(crate) struct ContextServices {
    pub(crate) reports: Arc<dyn StageReporter>,
    pub(crate) effects: Arc<EffectBuffer>,
    pub(crate) artifacts: Arc<dyn ArtifactSource>,
    pub(crate) calls: Arc<dyn CallLedger>,
    pub(crate) tags: Arc<dyn TagSource>,
    pub(crate) children: Arc<dyn ChildRuns>,
    pub(crate) pause: Arc<dyn Pause>,
    /// The values that the program provides to its stages.
    pub(crate) extensions: Extensions,
}

impl ContextServices {
    /// Services of a context without an engine: they drop reports and have no data.
    pub(crate) fn none() -> Self {
        Self {
            reports: Arc::new(NoopReporter),
            effects: Arc::default(),
            artifacts: Arc::new(NoArtifacts),
            calls: Arc::new(NoCalls),
            tags: Arc::new(GivenTags::default()),
            children: Arc::new(NoChildRuns),
            pause: Arc::new(NoPause),
            extensions: Extensions::default(),
        }
    }
}
