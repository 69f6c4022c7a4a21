//! Cases about the events that a commit writes.

use std::time::Duration;

use super::fixture::{Fixture, call, complete, held, inline, json, reserve, settle};
use crate::ports::Change;
use crate::records::{BlobKey, ClaimedJob, EventKind, StoredValue};
use crate::value::{CallId, Cost, Json, Place};

cases![
    a_returned_job_is_an_event_before_its_attempt_starts_again,
    a_returned_check_is_no_event,
    the_last_event_has_the_cost_of_the_run,
    the_last_event_has_the_outputs_of_a_group,
    the_last_event_names_the_stages_of_a_large_output,
    the_last_event_names_the_stages_of_a_group_with_a_large_output,
];

async fn a_returned_job_is_an_event_before_its_attempt_starts_again(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let back = Change::ReturnJob { stage_key: "a".into(), reason: "the worker stops".into() };
    fixture.apply(held(&job, vec![back])).await;
    let returned = EventKind::StageReturned {
        stage_id: "a".into(),
        place: Place::default(),
        stage_name: "Stage a".into(),
        attempt: 1,
        reason: "the worker stops".into(),
    };
    assert_eq!(fixture.events(run_id).await.last().unwrap().kind, returned);
    assert_eq!(fixture.claim("other").await.attempt, 1);
    let names = fixture.event_names(run_id).await;
    assert_eq!(names[2..], ["stage:started", "stage:returned", "stage:started"]);
}

/// The claim of a check is no event either.
async fn a_returned_check_is_no_event(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let suspend = Change::Suspend {
        stage_key: "a".into(),
        ticket: inline("ticket"),
        check_after: Duration::ZERO,
        give_up_after: Duration::from_hours(1),
        awaits_signal: false,
    };
    fixture.apply(held(&job, vec![suspend])).await;
    let check = fixture.claim("worker").await;
    let events = fixture.event_names(run_id).await;
    let back = Change::ReturnJob { stage_key: "a".into(), reason: "the worker stops".into() };
    fixture.apply(held(&check, vec![back])).await;
    assert_eq!(fixture.event_names(run_id).await, events);
}

async fn the_last_event_has_the_cost_of_the_run(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let call_id = CallId::generate();
    fixture.apply(held(&job, vec![reserve("a", call_id, call("topic", 100))])).await;
    // Settled in the commit that ends the run.
    fixture.apply(held(&job, vec![settle("a", call_id, 60), complete("a"), released(None, &["a"])])).await;
    let spending = fixture.run(run_id).await.spending;
    let EventKind::WorkflowCompleted { cost, tokens, .. } = last(&fixture, &job).await else {
        panic!("the run has not completed");
    };
    assert_eq!((cost, tokens), (Cost::from_picodollars(60), 7));
    assert_eq!((cost, tokens), (spending.cost, spending.tokens));
}

async fn the_last_event_has_the_outputs_of_a_group(fixture: Fixture) {
    let jobs = group(&fixture).await;
    // The branches complete in another order than the one of the output.
    fixture.apply(held(&jobs[1], vec![complete("b"), released(None, &["a", "b"])])).await;
    fixture.apply(held(&jobs[0], vec![complete("a"), released(None, &["a", "b"])])).await;
    let expected = completed(Some(json(&["a", "b"])), &[]);
    assert_eq!(last(&fixture, &jobs[0]).await, expected);
}

async fn the_last_event_names_the_stages_of_a_large_output(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let (output, mut changes) = large(&job);
    changes.push(released(Some(output.clone()), &["a"]));
    fixture.apply(held(&job, changes)).await;
    assert_eq!(fixture.run(run_id).await.output, Some(output.clone()));
    assert_eq!(fixture.stage(run_id, "a").await.output, Some(output));
    assert_eq!(last(&fixture, &job).await, completed(None, &["a"]));
}

async fn the_last_event_names_the_stages_of_a_group_with_a_large_output(fixture: Fixture) {
    let jobs = group(&fixture).await;
    let (_, mut changes) = large(&jobs[0]);
    changes.push(released(None, &["a", "b"]));
    fixture.apply(held(&jobs[0], changes)).await;
    fixture.apply(held(&jobs[1], vec![complete("b"), released(None, &["a", "b"])])).await;
    assert_eq!(last(&fixture, &jobs[0]).await, completed(None, &["a", "b"]));
}

/// Starts a run that ends in the group of `a` and `b`, and claims both.
async fn group(fixture: &Fixture) -> Vec<ClaimedJob> {
    let run_id = fixture.create().await;
    fixture.start(run_id, &[("a", 0), ("b", 0)], 2).await;
    let mut jobs = fixture.claim_up_to("worker", 2).await;
    jobs.sort_by(|one, other| one.lease.stage_key.cmp(&other.lease.stage_key));
    jobs
}

/// Makes the changes that complete a job with an output in a blob.
fn large(job: &ClaimedJob) -> (StoredValue, Vec<Change>) {
    let stage_key = job.lease.stage_key.clone();
    let key = BlobKey(format!("{}/{stage_key}/1/1", job.lease.run_id));
    let output = StoredValue::Blob(key.clone());
    let put = Change::PutBlob { key, value: json("large") };
    let complete = Change::Complete { stage_key, output: output.clone(), elapsed: Duration::ZERO };
    (output, vec![put, complete])
}

fn released(output: Option<StoredValue>, stages: &[&str]) -> Change {
    Change::ReleaseRun { output, stages: stages.iter().map(|&stage| stage.into()).collect() }
}

fn completed(output: Option<Json>, output_stages: &[&str]) -> EventKind {
    let output_stages = output_stages.iter().map(|&stage| stage.into()).collect();
    EventKind::WorkflowCompleted { duration_ms: 0, cost: Cost::ZERO, tokens: 0, output, output_stages }
}

async fn last(fixture: &Fixture, job: &ClaimedJob) -> EventKind {
    fixture.events(job.lease.run_id).await.pop().expect("an event").kind
}
