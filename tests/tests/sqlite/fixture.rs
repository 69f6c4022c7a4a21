//! What the tests share: a directory, stores on one file in it, and a run of one stage.

use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use workflow_engine::ports::{Change, Commit, Decision, Guard, NewRun, NewStage, Persistence};
use workflow_engine::records::{Claim, ClaimedJob, RunRequest, StoredValue};
use workflow_engine::stores::{SqliteOptions, SqliteStore};
use workflow_engine::{Json, RunId};

/// How long a test waits for what must come before it fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A directory that is gone with the test.
pub(crate) struct Directory(TempDir);

impl Directory {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The store on this directory's one file.
    pub(crate) async fn open(&self) -> SqliteStore {
        open(&self.file("store.db")).await.unwrap()
    }
}

pub(crate) async fn open(path: &std::path::Path) -> Result<SqliteStore, workflow_engine::Error> {
    SqliteStore::open(path.to_str().unwrap(), SqliteOptions::default()).await
}

/// A decision that creates a run, starts its one stage and claims it.
pub(crate) fn create() -> Decision {
    let request =
        RunRequest { input: Json::encode(&1).unwrap(), config: Json::encode(&()).unwrap(), metadata: None };
    let new = NewRun {
        workflow_id: "workflow".into(),
        workflow_name: "Workflow".into(),
        definition_fingerprint: "definition".into(),
        priority: 5,
        request,
    };
    let stage = NewStage {
        stage_id: "a".into(),
        stage_name: "A".into(),
        stage_number: 1,
        execution_group: 1,
        waiting_on: 0,
    };
    let changes = vec![
        Change::CreateRun(new),
        Change::StartRun { stages: vec![stage], waiting_on: 1 },
        Change::Enqueue { stage_id: "a".into(), max_attempts: 3, claim: Some(claim()) },
    ];
    Decision { run_id: RunId::generate(), guard: Guard::Absent, idempotency: None, changes }
}

pub(crate) fn claim() -> Claim {
    Claim { worker_id: "worker".into(), lease: Duration::from_secs(30) }
}

/// A decision that completes the stage and the run.
pub(crate) fn complete(job: &ClaimedJob) -> Decision {
    let output = StoredValue::Inline(Json::encode("done").unwrap());
    let changes = vec![
        Change::Complete { stage_id: "a".into(), output: output.clone(), elapsed: Duration::ZERO },
        Change::ReleaseRun { output: Some(output) },
    ];
    Decision { run_id: job.lease.run_id, guard: Guard::Lease(job.lease.clone()), idempotency: None, changes }
}

/// A run whose one stage is claimed.
pub(crate) async fn running(store: &SqliteStore) -> ClaimedJob {
    match store.commit(create()).await.unwrap() {
        Commit::Applied(applied) => applied.claimed.into_iter().next().unwrap(),
        other => panic!("{other:?}"),
    }
}
