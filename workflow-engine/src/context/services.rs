//! The services behind a context.

use std::sync::Arc;

use super::effects::{ArtifactSource, EffectBuffer, NoArtifacts};
use super::extensions::Extensions;
use super::reporter::{NoopReporter, StageReporter};
use super::sleep::{NoPause, Pause};
use crate::ledger::{CallLedger, NoCalls};

/// Where what a stage says and asks for goes, where artifacts come from, and where calls of models are written down.
#[derive(Clone)]
pub(crate) struct ContextServices {
    pub(crate) reports: Arc<dyn StageReporter>,
    pub(crate) effects: Arc<EffectBuffer>,
    pub(crate) artifacts: Arc<dyn ArtifactSource>,
    pub(crate) calls: Arc<dyn CallLedger>,
    pub(crate) pause: Arc<dyn Pause>,
    /// What the program hands to its stages.
    #[cfg_attr(
        not(feature = "ai"),
        allow(dead_code, reason = "the client of models is the only such value so far")
    )]
    pub(crate) extensions: Extensions,
}

impl ContextServices {
    /// Nobody listens, and nothing is there.
    pub(crate) fn none() -> Self {
        Self {
            reports: Arc::new(NoopReporter),
            effects: Arc::default(),
            artifacts: Arc::new(NoArtifacts),
            calls: Arc::new(NoCalls),
            pause: Arc::new(NoPause),
            extensions: Extensions::default(),
        }
    }
}
