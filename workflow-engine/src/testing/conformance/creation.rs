//! Cases about creating and starting runs.

use super::fixture::{DEFINITION, Fixture, claim, decision, definitions, enqueue, json, new_run, new_stages};
use crate::ports::{Change, Clock, Commit, NewRun, Precondition, Revision};
use crate::records::{RunRequest, Status};
use crate::value::RunId;

cases![
    a_created_run_is_pending,
    a_run_is_created_once,
    a_run_that_was_never_created_is_not_found,
    the_request_is_stored_unchanged,
    a_run_is_started_once,
    starting_increments_the_version_and_inserts_the_stages,
    a_start_decided_from_an_older_version_is_not_applied,
    a_start_decided_from_an_older_event_is_not_applied,
    a_run_is_created_started_and_claimed_in_one_commit,
    only_stages_that_are_queued_have_a_job,
];

async fn a_created_run_is_pending(fixture: Fixture) {
    let run_id = fixture.create().await;
    let run = fixture.run(run_id).await;
    assert_eq!((run.status, run.version, run.generation), (Status::Pending, 1, 1));
    assert_eq!((run.workflow_id.as_str(), run.definition_fingerprint.as_str()), ("workflow", DEFINITION));
    assert_eq!((run.priority, run.waiting_on), (5, 0));
    assert_eq!((run.output, run.error, run.cancel_reason), (None, None, None));
    assert_eq!((run.created_at, run.started_at, run.completed_at), (fixture.clock.now(), None, None));
    assert_eq!(fixture.event_names(run_id).await, ["workflow:created"]);
}

async fn a_run_is_created_once(fixture: Fixture) {
    let run_id = fixture.create().await;
    let again = decision(run_id, Precondition::Absent, vec![Change::CreateRun(new_run())]);
    assert_eq!(fixture.commit(again).await, Commit::PreconditionFailed);
    assert_eq!(fixture.event_names(run_id).await, ["workflow:created"]);
}

async fn a_run_that_was_never_created_is_not_found(fixture: Fixture) {
    let run_id = RunId::generate();
    let store = &fixture.store;
    assert_eq!(store.run(run_id).await.unwrap(), None);
    assert_eq!(store.request(run_id).await.unwrap(), None);
    assert_eq!(store.snapshot(run_id).await.unwrap(), None);
    assert!(store.stages(run_id).await.unwrap().is_empty());
    assert!(store.events(run_id, 0, 10).await.unwrap().is_empty());
    assert!(store.logs(run_id, 0, 10).await.unwrap().is_empty());
    let precondition = Precondition::Revision(Revision { version: 1, last_sequence: 1 });
    assert_eq!(fixture.commit(decision(run_id, precondition, vec![])).await, Commit::PreconditionFailed);
}

async fn the_request_is_stored_unchanged(fixture: Fixture) {
    let request = RunRequest {
        input: json(&[1, 2]),
        config: json(&std::collections::BTreeMap::from([("stage", "größe")])),
        metadata: Some(json("who")),
    };
    let run_id = fixture.create_as(NewRun { request: request.clone(), ..new_run() }).await;
    assert_eq!(fixture.store.request(run_id).await.unwrap(), Some(request));
}

async fn a_run_is_started_once(fixture: Fixture) {
    let run_id = fixture.single().await;
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    let start = Change::StartRun { stages: new_stages(&[("a", 0)]), waiting_on: 1 };
    let error = fixture.store.commit(decision(run_id, precondition, vec![start])).await.unwrap_err();
    assert!(error.to_string().contains(&run_id.to_string()), "{error}");
    assert_eq!(fixture.event_names(run_id).await, ["workflow:created", "workflow:started"]);
}

async fn starting_increments_the_version_and_inserts_the_stages(fixture: Fixture) {
    let run_id = fixture.diamond().await;
    let run = fixture.run(run_id).await;
    assert_eq!((run.status, run.version, run.waiting_on), (Status::Running, 2, 1));
    assert_eq!(run.started_at, Some(fixture.clock.now()));
    let stages = fixture.store.stages(run_id).await.unwrap();
    let shape: Vec<_> =
        stages.iter().map(|stage| (stage.stage_id.as_str(), stage.stage_number, stage.waiting_on)).collect();
    assert_eq!(shape, [("a", 1, 0), ("b", 2, 1), ("c", 3, 1), ("d", 4, 2)]);
    for stage in stages {
        assert_eq!((stage.status, stage.attempt, stage.generation), (Status::Pending, 0, 1));
        assert_eq!(stage.stage_name, format!("Stage {}", stage.stage_id));
    }
    assert_eq!(fixture.event_names(run_id).await, ["workflow:created", "workflow:started"]);
}

async fn a_start_decided_from_an_older_version_is_not_applied(fixture: Fixture) {
    let run_id = fixture.create().await;
    let run = fixture.run(run_id).await;
    let older = Revision { version: run.version - 1, last_sequence: run.last_sequence };
    let start = Change::StartRun { stages: new_stages(&[("a", 0)]), waiting_on: 1 };
    assert_eq!(
        fixture.commit(decision(run_id, Precondition::Revision(older), vec![start])).await,
        Commit::PreconditionFailed
    );
    assert_eq!(fixture.run(run_id).await, run);
}

async fn a_start_decided_from_an_older_event_is_not_applied(fixture: Fixture) {
    let run_id = fixture.create().await;
    let run = fixture.run(run_id).await;
    let older = Revision { version: run.version, last_sequence: run.last_sequence - 1 };
    let start = Change::StartRun { stages: new_stages(&[("a", 0)]), waiting_on: 1 };
    assert_eq!(
        fixture.commit(decision(run_id, Precondition::Revision(older), vec![start])).await,
        Commit::PreconditionFailed
    );
    assert_eq!(fixture.run(run_id).await, run);
}

async fn a_run_is_created_started_and_claimed_in_one_commit(fixture: Fixture) {
    let run_id = RunId::generate();
    let claimed = Change::Enqueue { stage_key: "a".into(), max_attempts: 3, max_crashes: 3, claim: Some(claim("worker")) };
    let changes = vec![
        Change::CreateRun(new_run()),
        Change::StartRun { stages: new_stages(&[("a", 0), ("b", 0)]), waiting_on: 2 },
        claimed,
        enqueue("b"),
    ];
    let applied = fixture.apply(decision(run_id, Precondition::Absent, changes)).await;
    assert_eq!((applied.claimed.len(), applied.ready.len(), applied.ended), (1, 1, None));
    assert_eq!(applied.claimed[0].lease.epoch, 1);
    let run = fixture.run(run_id).await;
    assert_eq!((run.status, run.version), (Status::Running, 2));
    let expected = ["workflow:created", "workflow:started", "stage:started"];
    assert_eq!(fixture.event_names(run_id).await, expected);
    let due = fixture.store.claim_jobs(&claim("other"), &definitions(), 10).await.unwrap();
    assert_eq!(due.len(), 1, "the claimed stage is not claimed again");
    assert_eq!(due[0].lease.stage_key, "b");
}

async fn only_stages_that_are_queued_have_a_job(fixture: Fixture) {
    let run_id = fixture.diamond().await;
    let snapshot = fixture.snapshot(run_id).await;
    assert_eq!(snapshot.jobs.len(), 1);
    let job = &snapshot.jobs[0];
    assert_eq!((job.stage_id.as_str(), job.status, job.attempt), ("a", Status::Pending, 0));
    assert_eq!((job.max_attempts, job.lease_epoch, job.generation), (3, 0, 1));
    assert_eq!((job.priority, job.run_at), (5, fixture.clock.now()));
    assert_eq!((&job.worker_id, job.leased_until), (&None, None));
}
