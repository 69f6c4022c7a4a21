//! Claims and commits directly on the store, which bring a run into states that no command leaves behind.

use std::time::Duration;

use workflow_engine::ports::{Change, Commit, Decision, Precondition, Revision, Store};
use workflow_engine::records::{Claimant, ClaimedJob, StoredValue};
use workflow_engine::{Json, RunId};

/// The duration of leases.
pub const LEASE: Duration = Duration::from_secs(15);

/// Applies changes to the current state of a run.
pub async fn apply(store: &dyn Store, run_id: RunId, changes: Vec<Change>) {
    let run = store.run(run_id).await.expect("the store is available").expect("the run exists");
    let revision = Revision { version: run.version, last_sequence: run.last_sequence };
    let decision = Decision {
        run_id,
        command: "test",
        precondition: Precondition::Revision(revision),
        idempotency: None,
        changes,
    };
    let commit = store.commit(decision).await.expect("the store is available");
    assert!(matches!(commit, Commit::Applied(_)), "{commit:?}");
}

/// Claims the due job of a stage for a worker that never commits an outcome.
pub async fn claim(store: &dyn Store, run_id: RunId, stage: &str) -> ClaimedJob {
    let run = store.run(run_id).await.expect("the store is available").expect("the run exists");
    let claim = Claimant { worker_id: "lost".into(), lease: LEASE, number: None };
    let precondition = Precondition::Claimable { stage_key: stage.into(), generation: run.generation };
    let changes = vec![Change::Claim { stage_key: stage.into(), claim }];
    match store.commit(Decision { run_id, command: "test", precondition, idempotency: None, changes }).await {
        Ok(Commit::Applied(applied)) => applied.claimed.into_iter().next().expect("one claim"),
        other => panic!("{other:?}"),
    }
}

/// Commits changes under a lease.
pub async fn commit(store: &dyn Store, job: &ClaimedJob, changes: Vec<Change>) -> Commit {
    let lease = job.lease.clone();
    let decision = Decision {
        run_id: lease.run_id,
        command: "test",
        precondition: Precondition::Lease(lease),
        idempotency: None,
        changes,
    };
    store.commit(decision).await.expect("the store is available")
}

/// Makes a completion that releases no successor.
pub fn completion(stage: &str, output: &impl serde::Serialize) -> Change {
    let output = StoredValue::Inline(Json::encode(output).expect("the output is serializable"));
    Change::Complete { stage_key: stage.into(), output, elapsed: Duration::ZERO }
}

/// Completes a due stage without a transition: neither its successors nor the end of the run are processed.
pub async fn complete_without_transition(
    store: &dyn Store,
    run_id: RunId,
    stage: &str,
    output: &impl serde::Serialize,
) {
    let job = claim(store, run_id, stage).await;
    let commit = commit(store, &job, vec![completion(stage, output)]).await;
    assert!(matches!(commit, Commit::Applied(_)), "{commit:?}");
}
