//! Cases about what people see of a store and do to it: workers, the queue, actions, and stages that a fork takes over.

use std::collections::HashMap;
use std::time::Duration;

use super::fixture::{Fixture, LEASE, claim, decision, definitions, held, inline, json, new_run, start_changes};
use crate::ports::{Change, NewDefinition, NewRun, Precondition, RunEnd};
use crate::records::{Annotation, Claimant, EventKind, NewWorker, QueueOverview, RunError, Status, WorkerLeases, WorkerRecord};
use crate::value::{Json, RunId};

cases![
    workers_have_numbers_that_are_not_used_again,
    workers_are_listed_newest_first,
    a_claim_notes_the_number_of_its_worker,
    leases_are_counted_by_worker,
    the_queue_is_counted_by_workflow_and_kind,
    a_definition_is_found_by_its_fingerprint,
    actions_are_listed_newest_first,
    a_stage_that_is_taken_over_has_completed,
];

fn new_worker(id: &str) -> NewWorker {
    NewWorker {
        id: id.into(),
        host: "\u{1a}host".into(),
        process: format!("process of {id}"),
        version: "1.2.3".into(),
        concurrency: 128,
        definitions: vec!["definition-1".into(), "definition-2".into()],
    }
}

async fn listed(fixture: &Fixture) -> Vec<WorkerRecord> {
    let workers = fixture.store.workers(None, 10).await.unwrap();
    workers.into_iter().map(|registered| registered.worker).collect()
}

async fn workers_have_numbers_that_are_not_used_again(fixture: Fixture) {
    let first = fixture.store.register_worker(new_worker("a")).await.unwrap();
    fixture.store.drain_worker(first).await.unwrap();
    // Long enough for the store to forget the first one.
    fixture.clock.advance(Duration::from_secs(40 * 86_400));
    let second = fixture.store.register_worker(new_worker("b")).await.unwrap();
    let third = fixture.store.register_worker(NewWorker { process: "2".into(), ..new_worker("b") }).await.unwrap();
    assert!(first >= 1 && first < second && second < third, "{first}, {second}, {third}");
    assert_eq!(listed(&fixture).await[..2].iter().map(|worker| worker.number).collect::<Vec<_>>(), [third, second]);
    let ids = fixture.store.worker_ids(&[second, third, 1_000]).await.unwrap();
    assert_eq!(ids, HashMap::from([(second, "b".to_owned()), (third, "b".to_owned())]));
    assert!(fixture.store.worker_ids(&[]).await.unwrap().is_empty());
}

async fn workers_are_listed_newest_first(fixture: Fixture) {
    let mut numbers = Vec::new();
    for id in ["a", "b", "c"] {
        numbers.insert(0, fixture.store.register_worker(new_worker(id)).await.unwrap());
        fixture.clock.advance(Duration::from_secs(1));
    }
    fixture.store.drain_worker(numbers[1]).await.unwrap();
    let workers = listed(&fixture).await;
    assert_eq!(workers.iter().map(|worker| worker.number).collect::<Vec<_>>(), numbers);
    let mut expected = WorkerRecord::new(numbers[1], new_worker("b"), workers[2].started_at + Duration::from_secs(1));
    expected.drained_at = Some(workers[2].started_at + Duration::from_secs(3));
    assert_eq!(workers[1], expected);
    assert_eq!((workers[0].drained_at, workers[2].drained_at), (None, None));
    let page = fixture.store.workers(Some(numbers[0]), 1).await.unwrap();
    assert_eq!(page.into_iter().map(|registered| registered.worker).collect::<Vec<_>>(), [expected]);
}

async fn a_claim_notes_the_number_of_its_worker(fixture: Fixture) {
    let (first, second) = (fixture.single().await, fixture.single().await);
    let numbered = Claimant { number: Some(7), ..claim("worker") };
    assert_eq!(fixture.store.claim_jobs(&numbered, &definitions(), 1).await.unwrap().len(), 1);
    fixture.claim("other").await;
    for (run_id, number) in [(first, Some(7)), (second, None)] {
        let started = fixture.events(run_id).await.pop().unwrap().kind;
        let EventKind::StageStarted { worker, .. } = started else { panic!("{started:?}") };
        assert_eq!(worker, number);
    }
}

async fn leases_are_counted_by_worker(fixture: Fixture) {
    assert!(fixture.store.worker_leases().await.unwrap().is_empty());
    fixture.running().await;
    fixture.clock.advance(Duration::from_secs(1));
    let (_, job) = fixture.running().await;
    fixture.single().await;
    let other = fixture.claim("other").await;
    let until = fixture.job(job.lease.run_id, "a").await.unwrap().leased_until.unwrap();
    assert_eq!(until, fixture.run(job.lease.run_id).await.created_at + LEASE);
    let expected = [WorkerLeases::new("other".into(), 1, until), WorkerLeases::new("worker".into(), 2, until)];
    assert_eq!(fixture.store.worker_leases().await.unwrap(), expected);
    fixture.complete_run(&other).await;
    assert_eq!(fixture.store.worker_leases().await.unwrap(), expected[1..]);
}

async fn the_queue_is_counted_by_workflow_and_kind(fixture: Fixture) {
    let empty = fixture.store.queue().await.unwrap();
    assert_eq!(empty, QueueOverview { is_exact: true, ..QueueOverview::default() });
    let pending = fixture.create().await;
    fixture.clock.advance(Duration::from_secs(1));
    let other = fixture.create_as(NewRun { workflow_id: "another".into(), ..new_run() }).await;
    fixture.single().await;
    fixture.running().await;
    let (_, retried) = fixture.running().await;
    let delay = Duration::from_secs(60);
    let retry = Change::Retry { stage_key: "a".into(), error: "no".into(), delay };
    fixture.apply(held(&retried, vec![retry])).await;
    let (_, suspended) = fixture.running().await;
    let ticket = inline("ticket");
    let (check_after, give_up_after) = (delay, delay * 10);
    let suspend = Change::Suspend { stage_key: "a".into(), ticket, check_after, give_up_after, awaits_signal: false };
    fixture.apply(held(&suspended, vec![suspend])).await;
    let failed = fixture.create().await;
    let error = RunError { code: "CLAIM_FAILED".into(), message: "no".into() };
    let precondition = Precondition::Revision(fixture.revision(failed).await);
    fixture.apply(decision(failed, precondition, vec![Change::EndRun(RunEnd::Failed(error))])).await;

    let queue = fixture.store.queue().await.unwrap();
    assert!(queue.is_exact);
    let ids: Vec<_> = queue.workflows.iter().map(|workflow| workflow.workflow_id.as_str()).collect();
    assert_eq!(ids, ["another", "workflow"]);
    let counts = queue.workflows[1].counts;
    assert_eq!(
        (counts.ready, counts.scheduled, counts.leased, counts.waiting, counts.dead),
        (2, 1, 1, 1, 1),
        "a pending run and a queued stage are ready"
    );
    assert_eq!(queue.workflows[1].oldest_ready, Some(fixture.run(pending).await.created_at));
    assert_eq!(queue.workflows[0].oldest_ready, Some(fixture.run(other).await.created_at));
    assert_eq!((queue.workflows[0].counts.ready, queue.total.ready, queue.total.dead), (1, 3, 1));
    fixture.clock.advance(delay);
    let later = fixture.store.queue().await.unwrap();
    assert_eq!((later.total.ready, later.total.scheduled), (4, 0));
}

async fn a_definition_is_found_by_its_fingerprint(fixture: Fixture) {
    let new = |fingerprint: &str| NewDefinition {
        fingerprint: fingerprint.into(),
        workflow_id: "orders".into(),
        version: 1,
        description: Json::trusted("{}"),
    };
    fixture.store.register_definitions(&[new("first"), new("second")]).await.unwrap();
    let found = fixture.store.definition("second").await.unwrap().unwrap();
    assert_eq!((found.fingerprint.as_str(), found.workflow_id.as_str()), ("second", "orders"));
    assert!(fixture.store.definition("third").await.unwrap().is_none());
}

async fn actions_are_listed_newest_first(fixture: Fixture) {
    let (first, second) = (fixture.create().await, fixture.create().await);
    let annotate = async |run_id, key: &str| {
        let annotation = Annotation { attributes: [(key.to_owned(), json(key))].into(), ..Annotation::default() };
        let annotate = Change::Annotate { stage_key: None, annotation };
        fixture.apply(decision(run_id, Precondition::Present, vec![annotate])).await;
    };
    for key in ["operator.cancel", "operator", "operator/", "operator.rerun", "operators.wake", "a"] {
        annotate(first, key).await;
    }
    annotate(second, "operator.fork").await;
    let actions = fixture.store.list_actions(None, 10).await.unwrap();
    let shown: Vec<_> = actions.iter().map(|action| (action.run_id, action.key.as_str())).collect();
    assert_eq!(shown, [(second, "operator.fork"), (first, "operator.rerun"), (first, "operator.cancel")]);
    assert_eq!(fixture.store.list_actions(None, 1).await.unwrap(), actions[..1]);
    assert_eq!(fixture.store.list_actions(Some(actions[0].id), 10).await.unwrap(), actions[1..]);
}

async fn a_stage_that_is_taken_over_has_completed(fixture: Fixture) {
    let run_id = RunId::generate();
    let output = inline("output of another run");
    let mut changes = vec![Change::CreateRun(new_run())];
    let mut start = start_changes(&[("a", 0), ("b", 0)], 1);
    start.retain(|change| !matches!(change, Change::Enqueue { stage_key, .. } if *stage_key == "a"));
    changes.extend(start);
    changes.push(Change::TakeOver { stage_key: "a".into(), output: output.clone() });
    fixture.apply(decision(run_id, Precondition::Absent, changes)).await;
    let stage = fixture.stage(run_id, "a").await;
    assert_eq!((stage.status, stage.attempt, stage.output.as_ref()), (Status::Completed, 0, Some(&output)));
    assert_eq!(stage.completed_at, Some(fixture.run(run_id).await.created_at));
    assert!(fixture.job(run_id, "a").await.is_none());
    assert_eq!(fixture.event_names(run_id).await, ["workflow:created", "workflow:started"]);
    let outputs = fixture.store.outputs(run_id, &["a".into(), "b".into()]).await.unwrap();
    assert_eq!(outputs, HashMap::from([("a".into(), output)]));
    let job = fixture.claim("worker").await;
    assert_eq!(job.lease.stage_key, "b");
    fixture.complete_run(&job).await;
    assert_eq!(fixture.run(run_id).await.status, Status::Completed);
}
