//! What a stage has asked to be committed with its outcome, as changes; and where it reads what was.

use std::collections::HashSet;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Kernel;
use super::values::resolve;
use crate::context::{ArtifactSource, Effects, StageError, StageResult};
use crate::definition::WorkflowDefinition;
use crate::error::{Error, ErrorCode};
use crate::ports::{BlobStore, Change, Store};
use crate::records::Lease;
use crate::value::{Json, RunId};

impl Kernel {
    /// The changes that write these effects. Large artifacts go to a blob store outside the database before the commit
    /// names them, like outputs.
    pub(super) async fn effect_changes(&self, lease: &Lease, effects: Effects) -> Result<Vec<Change>, Error> {
        let stage_id = || lease.stage_id.clone();
        let mut changes = Vec::new();
        for annotation in effects.annotations {
            changes.push(Change::Annotate { stage_id: Some(stage_id()), annotation });
        }
        for (number, (key, value)) in effects.artifacts.into_iter().enumerate() {
            let Some(value) = value else {
                changes.push(Change::DeleteArtifact { stage_id: stage_id(), key });
                continue;
            };
            let prepared = self.prepare_artifact(lease, number, &value).await?;
            changes.extend(prepared.blob);
            changes.push(Change::PutArtifact { stage_id: stage_id(), key, value: prepared.value });
        }
        if !effects.metrics.is_empty() {
            changes.push(Change::RecordMetrics { stage_id: stage_id(), metrics: effects.metrics });
        }
        if !effects.statements.is_empty() {
            changes.push(Change::Execute { stage_id: stage_id(), statements: effects.statements });
        }
        Ok(changes)
    }
}

/// What a commit that the store has refused for its statements makes of its attempt: the run's code, and the failure.
pub(super) fn refused_statements(error: &Error) -> Option<(ErrorCode, StageError)> {
    match error.code() {
        ErrorCode::StatementFailed => Some((ErrorCode::StatementFailed, StageError::retryable(error))),
        ErrorCode::StatementsUnsupported => {
            Some((ErrorCode::StatementsUnsupported, StageError::permanent(error)))
        }
        _ => None,
    }
}

/// The committed artifacts that one attempt of a stage may read: its own, and those of the stages before it.
pub(super) struct AttemptArtifacts {
    store: Arc<dyn Store>,
    blobs: Option<Arc<dyn BlobStore>>,
    run_id: RunId,
    stage_id: String,
    definition: &'static WorkflowDefinition,
}

impl AttemptArtifacts {
    pub(super) fn new(kernel: &Kernel, lease: &Lease, definition: &'static WorkflowDefinition) -> Self {
        Self {
            store: Arc::clone(kernel.store()),
            blobs: kernel.ports().blobs.clone(),
            run_id: lease.run_id,
            stage_id: lease.stage_id.clone(),
            definition,
        }
    }

    /// Artifacts of a stage that runs beside this one, or after it, may be there or not: to read them would be a race.
    fn check(&self, stage_id: &str) -> StageResult<()> {
        if stage_id == self.stage_id || self.runs_before(stage_id) {
            return Ok(());
        }
        Err(StageError::permanent(format_args!(
            "stage `{}` reads artifacts of `{stage_id}`, which does not run before it",
            self.stage_id
        )))
    }

    fn runs_before(&self, stage_id: &str) -> bool {
        let stages = &self.definition.stages;
        let mut open: Vec<usize> =
            stages.iter().position(|stage| stage.id == self.stage_id).into_iter().collect();
        let mut seen = HashSet::new();
        while let Some(index) = open.pop() {
            for &before in &stages[index].predecessors {
                if stages[before].id == stage_id {
                    return true;
                }
                if seen.insert(before) {
                    open.push(before);
                }
            }
        }
        false
    }

    async fn read(&self, stage_id: &str, key: &str) -> Result<Option<Json>, Error> {
        let Some(found) = self.store.artifact(self.run_id, stage_id, key).await? else { return Ok(None) };
        resolve(&*self.store, self.blobs.as_deref(), self.run_id, found.value).await.map(Some)
    }
}

impl ArtifactSource for AttemptArtifacts {
    fn artifact<'a>(&'a self, stage_id: &'a str, key: &'a str) -> BoxFuture<'a, StageResult<Option<Json>>> {
        async move {
            self.check(stage_id)?;
            Ok(self.read(stage_id, key).await?)
        }
        .boxed()
    }

    fn keys<'a>(&'a self, stage_id: &'a str) -> BoxFuture<'a, StageResult<Vec<String>>> {
        async move {
            self.check(stage_id)?;
            let artifacts = self.store.artifacts(self.run_id, Some(stage_id)).await?;
            Ok(artifacts.into_iter().map(|artifact| artifact.key).collect())
        }
        .boxed()
    }
}
