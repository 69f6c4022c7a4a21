//! The store of runs: transactions over the records.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::annotations::AnnotationFilter;
use super::commit::Commit;
use super::decision::Decision;
use super::hints::Hints;
use crate::error::Error;
use crate::records::{
    AnnotationRecord, ArtifactRecord, BlobKey, Event, JobRecord, LogRecord, RunRecord, RunRequest,
    StageRecord, StoredValue,
};
use crate::value::{Json, RunId};

/// All of a run that a structural command decides from.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The run.
    pub run: RunRecord,
    /// Its stages in reading order; empty before it is started.
    pub stages: Vec<StageRecord>,
    /// Its jobs.
    pub jobs: Vec<JobRecord>,
}

impl Snapshot {
    /// Whether one of its stages that waits for no other stage, and is not over, has no job that moves it; or none of
    /// its stages has one. See [`Persistence::stuck_runs`].
    pub(crate) fn lacks_a_job(&self) -> bool {
        let moving = || self.jobs.iter().filter(|job| job.moves(self.run.generation));
        let mut ready =
            self.stages.iter().filter(|stage| stage.waiting_on == 0 && !stage.status.is_terminal());
        moving().next().is_none() || ready.any(|stage| moving().all(|job| job.stage_id != stage.stage_id))
    }
}

/// Decides from a run as it is under its lock; `None` where there is no such run, or nothing to do.
pub type Decide = Box<dyn FnOnce(Option<&Snapshot>) -> Option<Decision> + Send>;

/// Transactions over the records. Whatever is acknowledged is on disk.
///
/// One conformance suite says what an implementation must do; every store runs it.
#[async_trait]
pub trait Persistence: Send + Sync {
    /// Applies a decision in one transaction, alone or with others that are ready at the same time.
    ///
    /// # Errors
    /// When the store cannot be written; nothing is written then, unless the error says that it cannot know.
    async fn commit(&self, decision: Decision) -> Result<Commit, Error>;

    /// Loads the run under its lock, decides, and applies the decision in that transaction: the way on when a
    /// guard has missed. Answers `Missed` when `decide` has nothing to do.
    ///
    /// # Errors
    /// As `commit`.
    async fn commit_locked(&self, run_id: RunId, decide: Decide) -> Result<Commit, Error>;

    /// The run, its stages and its jobs, in one consistent read.
    ///
    /// # Errors
    /// When the store cannot be read, here and below.
    async fn snapshot(&self, run_id: RunId) -> Result<Option<Snapshot>, Error>;

    /// The run.
    async fn run(&self, run_id: RunId) -> Result<Option<RunRecord>, Error>;

    /// What the run was started with.
    async fn request(&self, run_id: RunId) -> Result<Option<RunRequest>, Error>;

    /// The run's stages in reading order.
    async fn stages(&self, run_id: RunId) -> Result<Vec<StageRecord>, Error>;

    /// One stage of the run.
    async fn stage(&self, run_id: RunId, stage_id: &str) -> Result<Option<StageRecord>, Error>;

    /// The outputs of those of the named stages that have completed, by stage id.
    async fn outputs(
        &self,
        run_id: RunId,
        stage_ids: &[String],
    ) -> Result<HashMap<String, StoredValue>, Error>;

    /// A blob of the store's own table.
    async fn blob(&self, key: &BlobKey) -> Result<Option<Json>, Error>;

    /// The run's annotations that the filter asks for, in the order of their commits.
    async fn annotations(
        &self,
        run_id: RunId,
        filter: &AnnotationFilter,
    ) -> Result<Vec<AnnotationRecord>, Error>;

    /// The annotations of one key over all runs that the filter asks for, by their ids.
    async fn annotations_of_key(
        &self,
        key: &str,
        filter: &AnnotationFilter,
    ) -> Result<Vec<AnnotationRecord>, Error>;

    /// The artifacts of one stage of the run, or of all of them, by stage id and key: those of the stage's own
    /// generation.
    async fn artifacts(&self, run_id: RunId, stage_id: Option<&str>) -> Result<Vec<ArtifactRecord>, Error>;

    /// One artifact, if it is of its stage's generation.
    async fn artifact(
        &self,
        run_id: RunId,
        stage_id: &str,
        key: &str,
    ) -> Result<Option<ArtifactRecord>, Error>;

    /// The run's events after sequence number `after`, in order, at most `limit`.
    async fn events(&self, run_id: RunId, after: u64, limit: usize) -> Result<Vec<Event>, Error>;

    /// The run's log lines after the one with id `after` (0 for the first), in the order of their commits, at most
    /// `limit`.
    async fn logs(&self, run_id: RunId, after: u64, limit: usize) -> Result<Vec<LogRecord>, Error>;

    /// `PENDING` runs of the given definitions (fingerprints), at most `limit`: by priority, and among equals the
    /// definitions take turns, as [`JobTransport::claim_work`](super::JobTransport::claim_work) says.
    async fn pending_runs(&self, definitions: &[String], limit: usize) -> Result<Vec<RunRecord>, Error>;

    /// The runs of a workflow that are not over, oldest first.
    async fn unfinished_runs(&self, workflow_id: &str) -> Result<Vec<RunRecord>, Error>;

    /// `RUNNING` runs of the given definitions (fingerprints) that lack a job, and of which nothing has happened for at
    /// least `idle_for`: one of their stages that waits for no other stage, and is not over, has no job that is leased or
    /// can be claimed some time; or none of their stages has one. At most `limit`. A run that waits for a check,
    /// a retry, a lease or a worker is not among them.
    async fn stuck_runs(
        &self,
        definitions: &[String],
        idle_for: Duration,
        limit: usize,
    ) -> Result<Vec<RunId>, Error>;

    /// Runs of other definitions than the given ones that could have been claimed for at least `waiting_for`, by a worker
    /// that has theirs: they are `PENDING`, or `RUNNING` with a job that is due and none that is leased. At most
    /// `limit`.
    async fn unclaimed_runs(
        &self,
        definitions: &[String],
        waiting_for: Duration,
        limit: usize,
    ) -> Result<Vec<RunId>, Error>;

    /// Where this store announces what has changed.
    fn hints(&self) -> &Arc<Hints>;

    /// Lets pending commits end and closes the store. Calls after it fail.
    async fn close(&self);
}
