//! Persistence: transactions over the records, and reads.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::annotation_filter::AnnotationFilter;
use super::commit::Commit;
use super::decision::Decision;
use super::hints::Hints;
use super::snapshot::Snapshot;
use crate::error::Error;
use crate::records::{
    AnnotationRecord, ArtifactRecord, BlobKey, Event, LogRecord, RunRecord, RunRequest, StageRecord,
    StoredValue,
};
use crate::value::{Json, RunId, StageKey};

/// Makes a decision from a run that is locked. It receives `None` where the run does not exist, and returns `None` where
/// there is nothing to do.
pub type Decide = Box<dyn FnOnce(Option<&Snapshot>) -> Option<Decision> + Send>;

/// Commits decisions and reads records. An acknowledged commit is durable.
///
/// The conformance suite in `testing` defines what an implementation must do. Every store runs it.
#[async_trait]
pub trait Persistence: Send + Sync {
    /// Applies a decision in one transaction, which it may share with other decisions.
    ///
    /// # Errors
    /// When the store cannot be written. Nothing is written then, unless the error says that the outcome is unknown.
    async fn commit(&self, decision: Decision) -> Result<Commit, Error>;

    /// As `commit`, for a decision that the caller keeps, to commit it again while the store is unavailable. A store that
    /// only reads decisions implements it, and saves a copy.
    ///
    /// # Errors
    /// As `commit`.
    async fn commit_shared(&self, decision: Arc<Decision>) -> Result<Commit, Error> {
        self.commit(Arc::unwrap_or_clone(decision)).await
    }

    /// Loads the run under its lock, calls `decide`, and applies the decision in that transaction. The kernel uses it
    /// after a precondition has failed. Returns `PreconditionFailed` when `decide` has nothing to do.
    ///
    /// # Errors
    /// As `commit`.
    async fn commit_locked(&self, run_id: RunId, decide: Decide) -> Result<Commit, Error>;

    /// Returns the run, its stages and its jobs, in one consistent read.
    ///
    /// # Errors
    /// All methods that read fail when the store cannot be read.
    async fn snapshot(&self, run_id: RunId) -> Result<Option<Snapshot>, Error>;

    /// Returns the run.
    async fn run(&self, run_id: RunId) -> Result<Option<RunRecord>, Error>;

    /// Returns the request that created the run: input, configuration and metadata.
    async fn request(&self, run_id: RunId) -> Result<Option<RunRequest>, Error>;

    /// Returns the run's stages in reading order, those of one stage by place.
    async fn stages(&self, run_id: RunId) -> Result<Vec<StageRecord>, Error>;

    /// Returns one stage of the run.
    async fn stage(&self, run_id: RunId, stage_key: &StageKey) -> Result<Option<StageRecord>, Error>;

    /// Returns the outputs of the named stages, as far as they have completed, by key.
    async fn outputs(
        &self,
        run_id: RunId,
        stage_keys: &[StageKey],
    ) -> Result<HashMap<StageKey, StoredValue>, Error>;

    /// Returns a blob of the store's own table.
    async fn blob(&self, key: &BlobKey) -> Result<Option<Json>, Error>;

    /// Returns the run's annotations that match the filter, in the order of their commits.
    async fn annotations(
        &self,
        run_id: RunId,
        filter: &AnnotationFilter,
    ) -> Result<Vec<AnnotationRecord>, Error>;

    /// Returns the annotations of one key, over all runs, that match the filter, by their ids.
    async fn annotations_of_key(
        &self,
        key: &str,
        filter: &AnnotationFilter,
    ) -> Result<Vec<AnnotationRecord>, Error>;

    /// Returns the artifacts of one stage of the run, or of all stages, by stage id, place and key. A key without a place
    /// selects every place of its stage. Those of earlier generations of their stage are left out.
    async fn artifacts(
        &self,
        run_id: RunId,
        stage_key: Option<&StageKey>,
    ) -> Result<Vec<ArtifactRecord>, Error>;

    /// Returns one artifact, if it is of its stage's current generation.
    async fn artifact(
        &self,
        run_id: RunId,
        stage_key: &StageKey,
        key: &str,
    ) -> Result<Option<ArtifactRecord>, Error>;

    /// Returns the run's events after sequence number `after`, in order, at most `limit`.
    async fn events(&self, run_id: RunId, after: u64, limit: usize) -> Result<Vec<Event>, Error>;

    /// Returns the run's log lines after the one with id `after` (0 for the first), in the order of their commits, at
    /// most `limit`.
    async fn logs(&self, run_id: RunId, after: u64, limit: usize) -> Result<Vec<LogRecord>, Error>;

    /// Returns `PENDING` runs of the given definitions (fingerprints), at most `limit`: by priority, and among equal
    /// priorities the definitions take turns, as in [`JobTransport::claim_work`](super::JobTransport::claim_work).
    async fn pending_runs(&self, definitions: &[String], limit: usize) -> Result<Vec<RunRecord>, Error>;

    /// Returns the runs of a workflow that are not terminal, the oldest first.
    async fn unfinished_runs(&self, workflow_id: &str) -> Result<Vec<RunRecord>, Error>;

    /// Returns `RUNNING` runs of the given definitions (fingerprints) that lack a job and have not changed for at least
    /// `idle_for`: a stage that waits for no predecessor and is not terminal has no job that is leased or will become
    /// claimable, or no stage has such a job. At most `limit`. A run that waits for a check, a retry, the end of a lease
    /// or a worker is not stuck.
    async fn stuck_runs(
        &self,
        definitions: &[String],
        idle_for: Duration,
        limit: usize,
    ) -> Result<Vec<RunId>, Error>;

    /// Returns runs of definitions other than the given ones that have been claimable for at least `waiting_for` by a
    /// worker that has their definition: they are `PENDING`, or `RUNNING` with a due job and no leased one. At most
    /// `limit`.
    async fn unclaimed_runs(
        &self,
        definitions: &[String],
        waiting_for: Duration,
        limit: usize,
    ) -> Result<Vec<RunId>, Error>;

    /// Returns the hints that this store sends in this process.
    fn hints(&self) -> &Arc<Hints>;

    /// Finishes pending commits and closes the store. Later calls fail.
    async fn close(&self);
}
