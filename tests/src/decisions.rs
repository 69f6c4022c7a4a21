//! Decisions about a run of one stage, `a`, for tests of a store.

use std::time::Duration;

use workflow_engine::ports::{
    Change, Commit, Decision, IdempotencyEntry, NewRun, NewStage, Persistence, Precondition,
};
use workflow_engine::records::{Claimant, ClaimedJob, RunRequest, StoredValue};
use workflow_engine::{Json, RunId};

/// Returns the definition of the run.
pub fn definitions() -> Vec<String> {
    vec!["definition".to_owned()]
}

/// Makes an idempotency entry of `run.create`.
pub fn entry(key: &str) -> IdempotencyEntry {
    let result = Json::encode(key).expect("a text is serializable");
    IdempotencyEntry { command: "run.create", key: key.into(), request_hash: "hash".into(), result }
}

/// Makes a run.
pub fn new_run() -> NewRun {
    let request = RunRequest {
        input: Json::encode(&1).expect("a number is serializable"),
        config: Json::encode(&()).expect("a unit is serializable"),
        metadata: None,
    };
    NewRun {
        workflow_id: "workflow".into(),
        workflow_name: "Workflow".into(),
        definition_fingerprint: "definition".into(),
        parent: None,
        priority: 5,
        request,
    }
}

/// Makes a decision that creates a run, starts its one stage and claims it.
pub fn create() -> Decision {
    let stage = NewStage {
        stage_key: "a".into(),
        stage_name: "A".into(),
        stage_number: 1,
        execution_group: 1,
        waiting_on: 0,
    };
    let changes = vec![
        Change::CreateRun(new_run()),
        Change::StartRun { stages: vec![stage], waiting_on: 1 },
        Change::Enqueue { stage_key: "a".into(), max_attempts: 3, max_crashes: 3, claim: Some(claim()) },
    ];
    Decision {
        run_id: RunId::generate(),
        command: "run.create",
        precondition: Precondition::Absent,
        idempotency: None,
        changes,
    }
}

/// Makes a claimant with a lease of 30 seconds.
pub fn claim() -> Claimant {
    Claimant { worker_id: "worker".into(), lease: Duration::from_secs(30), number: None }
}

/// Makes a decision that completes the stage and the run.
pub fn complete(job: &ClaimedJob) -> Decision {
    let output = StoredValue::Inline(Json::encode("done").expect("a text is serializable"));
    let changes = vec![
        Change::Complete { stage_key: "a".into(), output: output.clone(), elapsed: Duration::ZERO },
        Change::ReleaseRun { output: Some(output), stages: Vec::new() },
    ];
    Decision {
        run_id: job.lease.run_id,
        precondition: Precondition::Lease(job.lease.clone()),
        command: "job.execute",
        idempotency: None,
        changes,
    }
}

/// Creates a run whose one stage is claimed, and returns the claimed job.
pub async fn running(store: &dyn Persistence) -> ClaimedJob {
    match store.commit(create()).await.expect("the store is available") {
        Commit::Applied(applied) => applied.claimed.into_iter().next().expect("one job is claimed"),
        other => panic!("{other:?}"),
    }
}
