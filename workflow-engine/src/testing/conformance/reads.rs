//! Cases about queries.

use std::time::Duration;

use super::fixture::{Fixture, cancel_run, decision, definitions, inline, new_run};
use crate::ports::{NewRun, Precondition};
use crate::value::StageKey;

cases![
    pending_runs_are_ordered_by_priority_then_age,
    pending_runs_are_filtered_by_definition,
    unfinished_runs_are_ordered_oldest_first,
    events_are_read_after_a_sequence_number,
    outputs_are_returned_for_completed_stages_only,
    a_snapshot_is_in_reading_order,
    a_blob_that_was_never_put_is_not_found,
    a_closed_store_returns_retryable_errors,
];

async fn pending_runs_are_ordered_by_priority_then_age(fixture: Fixture) {
    let mut runs = Vec::new();
    for priority in [5, 9, 5, -1, 9] {
        runs.push((priority, fixture.create_as(NewRun { priority, ..new_run() }).await));
        fixture.clock.advance(Duration::from_millis(1));
    }
    runs.sort_by_key(|(priority, run_id)| (std::cmp::Reverse(*priority), *run_id));
    let expected: Vec<_> = runs.iter().map(|(_, run_id)| *run_id).collect();
    let pending = fixture.store.pending_runs(&definitions(), 10).await.unwrap();
    assert_eq!(pending.iter().map(|run| run.id).collect::<Vec<_>>(), expected);
    assert_eq!(fixture.store.pending_runs(&definitions(), 2).await.unwrap(), pending[..2]);
    fixture.start(expected[0], &[("a", 0)], 1).await;
    let pending = fixture.store.pending_runs(&definitions(), 10).await.unwrap();
    assert_eq!(pending.iter().map(|run| run.id).collect::<Vec<_>>(), expected[1..]);
}

async fn pending_runs_are_filtered_by_definition(fixture: Fixture) {
    let other = NewRun { definition_fingerprint: "definition-2".into(), priority: 9, ..new_run() };
    let other = fixture.create_as(other).await;
    let own = fixture.create().await;
    let pending = fixture.store.pending_runs(&definitions(), 1).await.unwrap();
    assert_eq!(pending[0].id, own);
    assert!(fixture.store.pending_runs(&[], 10).await.unwrap().is_empty());
    let both = ["definition-2".to_owned(), definitions().remove(0)];
    let pending = fixture.store.pending_runs(&both, 10).await.unwrap();
    assert_eq!(pending.iter().map(|run| run.id).collect::<Vec<_>>(), [other, own]);
}

async fn unfinished_runs_are_ordered_oldest_first(fixture: Fixture) {
    let pending = fixture.create_as(NewRun { priority: 1, ..new_run() }).await;
    fixture.clock.advance(Duration::from_millis(1));
    let (completed, job) = fixture.running().await;
    fixture.clock.advance(Duration::from_millis(1));
    let running = fixture.single().await;
    let cancelled = fixture.create().await;
    fixture.create_as(NewRun { workflow_id: "workflow-2".into(), ..new_run() }).await;
    fixture.complete_run(&job).await;
    let precondition = Precondition::Revision(fixture.revision(cancelled).await);
    fixture.apply(decision(cancelled, precondition, vec![cancel_run()])).await;
    let unfinished = fixture.store.unfinished_runs("workflow").await.unwrap();
    assert_eq!(unfinished.iter().map(|run| run.id).collect::<Vec<_>>(), [pending, running]);
    assert_eq!(unfinished[0], fixture.run(pending).await);
    assert!(unfinished.iter().all(|run| run.id != completed));
    // A prefix of a workflow id is another id (trap 17).
    assert!(fixture.store.unfinished_runs("workflow-").await.unwrap().is_empty());
}

async fn events_are_read_after_a_sequence_number(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    fixture.complete_run(&job).await;
    let all = fixture.events(run_id).await;
    assert_eq!(all.len(), 5);
    assert_eq!(fixture.store.events(run_id, 2, 2).await.unwrap(), all[2..4]);
    assert_eq!(fixture.store.events(run_id, 4, 10).await.unwrap(), all[4..]);
    assert!(fixture.store.events(run_id, 5, 10).await.unwrap().is_empty());
    assert!(fixture.store.events(run_id, u64::MAX, 10).await.unwrap().is_empty());
    assert!(fixture.store.events(run_id, 0, 0).await.unwrap().is_empty());
}

/// Each stage has its own output, never that of another stage (trap 2).
async fn outputs_are_returned_for_completed_stages_only(fixture: Fixture) {
    let run_id = fixture.create().await;
    fixture.start(run_id, &[("a", 0), ("b", 0), ("c", 0)], 3).await;
    let jobs = fixture.claim_up_to("worker", 2).await;
    for job in &jobs {
        fixture.complete(job, &[]).await;
    }
    let stage_keys = ["a", "b", "c", "unknown"].map(StageKey::from);
    let outputs = fixture.store.outputs(run_id, &stage_keys).await.unwrap();
    assert_eq!(outputs.len(), 2);
    for job in &jobs {
        let stage = &job.lease.stage_key;
        assert_eq!(outputs[stage], inline(stage));
    }
    let one = fixture.store.outputs(run_id, &stage_keys[..1]).await.unwrap();
    assert_eq!(one.keys().collect::<Vec<_>>(), ["a"]);
    assert!(fixture.store.outputs(run_id, &[]).await.unwrap().is_empty());
}

async fn a_snapshot_is_in_reading_order(fixture: Fixture) {
    let run_id = fixture.create().await;
    fixture.start(run_id, &[("z", 0), ("m", 0), ("a", 0)], 3).await;
    let snapshot = fixture.snapshot(run_id).await;
    let stages: Vec<_> = snapshot.stages.iter().map(|stage| stage.stage_id.as_str()).collect();
    assert_eq!(stages, ["z", "m", "a"]);
    let jobs: Vec<_> = snapshot.jobs.iter().map(|job| job.stage_id.as_str()).collect();
    assert_eq!(jobs, ["z", "m", "a"]);
    assert_eq!(snapshot.run, fixture.run(run_id).await);
    assert_eq!(snapshot.stages, fixture.store.stages(run_id).await.unwrap());
}

async fn a_blob_that_was_never_put_is_not_found(fixture: Fixture) {
    let key = crate::records::BlobKey("unknown".into());
    assert_eq!(fixture.store.blob(&key).await.unwrap(), None);
}

async fn a_closed_store_returns_retryable_errors(fixture: Fixture) {
    let run_id = fixture.single().await;
    fixture.store.close().await;
    fixture.store.close().await;
    let store = &fixture.store;
    assert!(store.run(run_id).await.unwrap_err().is_retryable());
    assert!(store.commit(decision(run_id, Precondition::Absent, vec![])).await.unwrap_err().is_retryable());
    let claimed = store.claim_jobs(&super::fixture::claim("worker"), &definitions(), 1).await;
    assert!(claimed.unwrap_err().is_retryable());
}
