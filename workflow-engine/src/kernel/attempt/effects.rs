//! The effects that a stage commits with its outcome, as changes; and the committed artifacts that it may read.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::children::start_changes;
use super::port_retry::{BodyPorts, PortRetry};
use crate::context::{ArtifactSource, Effects, StageError, StageResult};
use crate::definition::WorkflowDefinition;
use crate::error::{Error, ErrorCode};
use crate::kernel::Kernel;
use crate::kernel::stored_values::{prepare_artifact, resolve};
use crate::ports::{BlobStore, Change};
use crate::records::Lease;
use crate::value::{Json, StageKey};

/// Returns the changes that write these effects. A blob store outside of the database receives large artifacts before
/// the commit names them, as it does outputs.
pub(super) async fn effect_changes(
    kernel: &Kernel,
    lease: &Lease,
    effects: Effects,
) -> Result<Vec<Change>, Error> {
    let own = || lease.stage_key.clone();
    let retry = PortRetry::new(kernel, lease);
    let mut changes = Vec::new();
    for annotation in effects.annotations {
        changes.push(Change::Annotate { stage_key: Some(own()), annotation });
    }
    for (number, (key, value)) in effects.artifacts.into_iter().enumerate() {
        let Some(value) = value else {
            changes.push(Change::DeleteArtifact { stage_key: own(), key });
            continue;
        };
        let prepared = retry.call(|| prepare_artifact(kernel, lease, number, &value)).await?;
        changes.extend(prepared.blob);
        changes.push(Change::PutArtifact { stage_key: own(), key, value: prepared.value });
    }
    if !effects.metrics.is_empty() {
        changes.push(Change::RecordMetrics { stage_key: own(), metrics: effects.metrics });
    }
    changes.extend(start_changes(kernel, lease, effects.children)?);
    if !effects.statements.is_empty() {
        changes.push(Change::Execute { stage_key: own(), statements: effects.statements });
    }
    Ok(changes)
}

/// Returns the failure of an attempt whose statements or texts the store refused to commit, with the run's error code.
pub(super) fn refused_statements(error: &Error) -> Option<(ErrorCode, StageError)> {
    match error.code() {
        code @ (ErrorCode::StatementFailed | ErrorCode::StatementConflict | ErrorCode::StatementUnmet) => {
            let failure =
                if error.is_final() { StageError::permanent(error) } else { StageError::retryable(error) };
            Some((code, failure))
        }
        ErrorCode::StatementsUnsupported => {
            Some((ErrorCode::StatementsUnsupported, StageError::permanent(error)))
        }
        // The stage would return the same text again.
        ErrorCode::TextNotEncodable => Some((ErrorCode::TextNotEncodable, StageError::permanent(error))),
        _ => None,
    }
}

/// The committed artifacts that one attempt of a stage may read: its own, and those of the stages that run before it.
pub(super) struct AttemptArtifacts {
    ports: Arc<BodyPorts>,
    blobs: Option<Arc<dyn BlobStore>>,
    definition: &'static WorkflowDefinition,
}

impl AttemptArtifacts {
    pub(super) fn new(
        ports: Arc<BodyPorts>,
        blobs: Option<Arc<dyn BlobStore>>,
        definition: &'static WorkflowDefinition,
    ) -> Self {
        Self { ports, blobs, definition }
    }

    fn own_stage(&self) -> &StageKey {
        &self.ports.lease().stage_key
    }

    /// Refuses artifacts of a stage that does not run before this one: they may exist or not, so reading them would be a
    /// race.
    fn check(&self, stage_key: &StageKey) -> StageResult<()> {
        if stage_key == self.own_stage() || self.runs_before(stage_key) {
            return Ok(());
        }
        Err(StageError::permanent(format_args!(
            "stage `{}` reads artifacts of `{stage_key}`, which does not run before it",
            self.own_stage()
        )))
    }

    fn runs_before(&self, stage_key: &StageKey) -> bool {
        let stages = &self.definition.stages;
        let mut open: Vec<usize> =
            stages.iter().position(|stage| stage.id == self.own_stage().id).into_iter().collect();
        let mut seen = HashSet::new();
        while let Some(index) = open.pop() {
            for &predecessor in &stages[index].predecessors {
                if stages[predecessor].id == stage_key.id {
                    return true;
                }
                if seen.insert(predecessor) {
                    open.push(predecessor);
                }
            }
        }
        false
    }

    async fn read(&self, stage_key: &StageKey, key: &str) -> Result<Option<Json>, Error> {
        let (store, run_id) = (&*self.ports.store, self.ports.lease().run_id);
        let Some(found) = store.artifact(run_id, stage_key, key).await? else { return Ok(None) };
        resolve(store, self.blobs.as_deref(), run_id, found.value).await.map(Some)
    }
}

impl ArtifactSource for AttemptArtifacts {
    fn artifact<'a>(
        &'a self,
        stage_key: &'a StageKey,
        key: &'a str,
    ) -> BoxFuture<'a, StageResult<Option<Json>>> {
        async move {
            self.check(stage_key)?;
            Ok(self.ports.call(|| self.read(stage_key, key)).await?)
        }
        .boxed()
    }

    fn keys<'a>(&'a self, stage_key: &'a StageKey) -> BoxFuture<'a, StageResult<Vec<String>>> {
        async move {
            self.check(stage_key)?;
            let ports = &self.ports;
            let read = || ports.store.artifacts(ports.lease().run_id, Some(stage_key));
            let artifacts = ports.call(read).await?;
            Ok(artifacts.into_iter().map(|artifact| artifact.key).collect())
        }
        .boxed()
    }
}
