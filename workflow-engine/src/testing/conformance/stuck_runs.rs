//! Cases about stuck runs, which no job can continue, and unclaimed runs, which only other workers can continue.

use std::time::Duration;

use super::fixture::{
    DEFINITION, Fixture, claim, complete, decision, definitions, enqueue, held, inline, json, new_run,
    new_stages,
};
use crate::ports::{Change, Commit, Decision, IdempotencyEntry, NewRun, Precondition};
use crate::records::Status;
use crate::value::RunId;

cases![
    a_run_without_any_job_is_stuck,
    a_stage_that_is_ready_without_a_job_makes_its_run_stuck,
    a_run_whose_last_completion_was_not_processed_is_stuck,
    a_job_without_attempts_left_makes_its_run_stuck,
    a_waiting_run_is_not_stuck,
    a_run_is_stuck_only_after_the_limit_and_for_workers_with_its_definition,
    runs_of_other_definitions_are_unclaimed,
    due_checks_are_read_and_not_claimed,
    jobs_of_many_definitions_are_claimed_in_their_order,
    a_claim_may_be_bound_to_the_epoch_before_it,
    the_result_of_a_command_is_stored_under_its_key,
    counters_can_be_corrected,
];

const HOUR: Duration = Duration::from_secs(3_600);

async fn stuck(fixture: &Fixture, idle_for: Duration) -> Vec<RunId> {
    fixture.store.stuck_runs(&definitions(), idle_for, 10).await.unwrap()
}

/// Starts a run of these stages without a job.
async fn without_jobs(fixture: &Fixture, stages: &[(&str, u32)]) -> RunId {
    let run_id = fixture.create().await;
    let start = Change::StartRun { stages: new_stages(stages), waiting_on: 1 };
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    fixture.apply(decision(run_id, precondition, vec![start])).await;
    run_id
}

async fn a_run_without_any_job_is_stuck(fixture: Fixture) {
    let run_id = without_jobs(&fixture, &[("a", 1)]).await;
    assert_eq!(stuck(&fixture, Duration::ZERO).await, [run_id]);
    assert!(fixture.store.stuck_runs(&definitions(), Duration::ZERO, 0).await.unwrap().is_empty());
}

async fn a_stage_that_is_ready_without_a_job_makes_its_run_stuck(fixture: Fixture) {
    let run_id = without_jobs(&fixture, &[("a", 0), ("b", 0), ("c", 1)]).await;
    let (fixture, run) = (&fixture, run_id);
    let queue = |stage: &'static str| async move {
        let precondition = Precondition::Revision(fixture.revision(run).await);
        fixture.apply(decision(run, precondition, vec![enqueue(stage)])).await;
    };
    queue("a").await;
    assert_eq!(stuck(fixture, Duration::ZERO).await, [run_id], "another stage has a job");
    queue("b").await;
    assert!(stuck(fixture, Duration::ZERO).await.is_empty());
}

async fn a_run_whose_last_completion_was_not_processed_is_stuck(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    assert!(stuck(&fixture, Duration::ZERO).await.is_empty());
    fixture.apply(held(&job, vec![complete("a")])).await;
    assert_eq!(stuck(&fixture, Duration::ZERO).await, [run_id]);
}

async fn a_job_without_attempts_left_makes_its_run_stuck(fixture: Fixture) {
    let run_id = fixture.single().await;
    for _ in 0..3 {
        assert!(stuck(&fixture, Duration::ZERO).await.is_empty());
        let job = fixture.claim("worker").await;
        let retry = Change::Retry { stage_key: "a".into(), error: "no".into(), delay: Duration::ZERO };
        fixture.apply(held(&job, vec![retry])).await;
    }
    assert_eq!(stuck(&fixture, Duration::ZERO).await, [run_id]);
}

async fn a_waiting_run_is_not_stuck(fixture: Fixture) {
    fixture.create().await;
    let completed = fixture.single().await;
    let job = fixture.claim("worker").await;
    fixture.complete_run(&job).await;
    assert_eq!(fixture.run(completed).await.status, Status::Completed);
    let wait = [
        Change::Suspend {
            stage_key: "a".into(),
            ticket: inline("ticket"),
            check_after: HOUR * 1_000,
            give_up_after: HOUR * 10_000,
            awaits_signal: false,
        },
        Change::Retry { stage_key: "a".into(), error: "no".into(), delay: HOUR * 1_000 },
        Change::ReturnJob { stage_key: "a".into(), reason: "the worker stops".into() },
    ];
    for change in wait {
        let (_, job) = fixture.running().await;
        fixture.apply(held(&job, vec![change])).await;
    }
    // An unclaimed run, and one that is leased to a dead worker.
    fixture.single().await;
    fixture.running().await;
    fixture.clock.advance(HOUR * 100);
    assert!(stuck(&fixture, HOUR).await.is_empty());
}

async fn a_run_is_stuck_only_after_the_limit_and_for_workers_with_its_definition(fixture: Fixture) {
    let run_id = without_jobs(&fixture, &[("a", 1)]).await;
    fixture.clock.advance(HOUR - Duration::from_millis(1));
    assert!(stuck(&fixture, HOUR).await.is_empty());
    fixture.clock.advance(Duration::from_millis(1));
    assert_eq!(stuck(&fixture, HOUR).await, [run_id]);
    assert!(stuck(&fixture, Duration::MAX).await.is_empty());
    let other = ["definition-2".to_owned()];
    assert!(fixture.store.stuck_runs(&other, Duration::ZERO, 10).await.unwrap().is_empty());
    // A commit restarts the limit.
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    let progress = Change::Progress { stage_key: "a".into(), fraction: 0.5, message: String::new() };
    fixture.apply(decision(run_id, precondition, vec![progress])).await;
    assert!(stuck(&fixture, HOUR).await.is_empty());
}

async fn runs_of_other_definitions_are_unclaimed(fixture: Fixture) {
    let foreign = || NewRun { definition_fingerprint: "definition-2".into(), ..new_run() };
    fixture.single().await;
    let pending = fixture.create_as(foreign()).await;
    let queued = fixture.create_as(foreign()).await;
    let suspended = fixture.create_as(foreign()).await;
    let leased = fixture.create_as(foreign()).await;
    for run_id in [queued, suspended, leased] {
        fixture.start(run_id, &[("a", 0), ("b", 0)], 2).await;
    }
    let take = |run_id, stage: &'static str| async move {
        let precondition = Precondition::Claimable { stage_key: stage.into(), generation: 1 };
        let claim = Change::Claim { stage_key: stage.into(), claim: claim("worker") };
        (run_id, precondition, vec![claim])
    };
    for stage in ["a", "b"] {
        let (run_id, precondition, changes) = take(suspended, stage).await;
        let job = fixture.apply(decision(run_id, precondition, changes)).await.claimed.remove(0);
        let ticket = inline("ticket");
        let suspend =
            Change::Suspend { stage_key: stage.into(), ticket, check_after: HOUR, give_up_after: HOUR * 24, awaits_signal: false };
        fixture.apply(held(&job, vec![suspend])).await;
    }
    let (run_id, precondition, changes) = take(leased, "a").await;
    fixture.apply(decision(run_id, precondition, changes)).await;

    let unclaimed = |waiting| {
        let store = fixture.store.clone();
        async move { store.unclaimed_runs(&definitions(), waiting, 10).await.unwrap() }
    };
    assert_eq!(sorted(unclaimed(Duration::ZERO).await), sorted(vec![pending, queued]));
    fixture.clock.advance(HOUR);
    assert_eq!(sorted(unclaimed(HOUR).await), sorted(vec![pending, queued]));
    assert_eq!(sorted(unclaimed(Duration::ZERO).await), sorted(vec![pending, queued, suspended]));
    assert!(unclaimed(HOUR * 2).await.is_empty());
    assert!(unclaimed(Duration::MAX).await.is_empty());
    assert_eq!(fixture.store.unclaimed_runs(&definitions(), HOUR, 1).await.unwrap().len(), 1);
    let both = [DEFINITION.to_owned(), "definition-2".to_owned()];
    assert!(fixture.store.unclaimed_runs(&both, Duration::ZERO, 10).await.unwrap().is_empty());
}

fn sorted(mut runs: Vec<RunId>) -> Vec<RunId> {
    runs.sort();
    runs
}

async fn due_checks_are_read_and_not_claimed(fixture: Fixture) {
    let mut runs = Vec::new();
    for _ in 0..3 {
        let (run_id, job) = fixture.running().await;
        let suspend = Change::Suspend {
            stage_key: "a".into(),
            ticket: inline("ticket"),
            check_after: HOUR,
            give_up_after: HOUR * 24,
            awaits_signal: false,
        };
        fixture.apply(held(&job, vec![suspend])).await;
        runs.push(run_id);
        fixture.clock.advance(Duration::from_secs(1));
    }
    fixture.single().await;
    assert!(fixture.store.due_checks(&definitions(), 10).await.unwrap().is_empty());
    fixture.clock.advance(HOUR);
    for _ in 0..2 {
        let due = fixture.store.due_checks(&definitions(), 10).await.unwrap();
        assert_eq!(due.iter().map(|job| job.run_id).collect::<Vec<_>>(), runs);
    }
    assert_eq!(fixture.store.due_checks(&definitions(), 2).await.unwrap().len(), 2);
    assert!(fixture.store.due_checks(&["definition-2".to_owned()], 10).await.unwrap().is_empty());
    assert_eq!(fixture.claim_up_to("worker", 10).await.len(), 4);
    assert!(fixture.store.due_checks(&definitions(), 10).await.unwrap().is_empty());
}

/// The jobs of more definitions than a statement has branches, in alternating order.
async fn jobs_of_many_definitions_are_claimed_in_their_order(fixture: Fixture) {
    let many: Vec<String> = (0..20).map(|number| format!("definition-{number}")).collect();
    let mut expected = Vec::new();
    for round in 0..3 {
        for (number, definition) in (0..).zip(&many) {
            let priority = (number * 7 + round) % 5;
            let new = NewRun { definition_fingerprint: definition.clone(), priority, ..new_run() };
            let run_id = fixture.create_as(new).await;
            expected.push((std::cmp::Reverse(priority), fixture.run(run_id).await.created_at, run_id));
            fixture.clock.advance(Duration::from_millis(1));
        }
    }
    expected.sort();
    let expected: Vec<RunId> = expected.into_iter().map(|(.., run_id)| run_id).collect();
    let pending = fixture.store.pending_runs(&many, 50).await.unwrap();
    assert_eq!(pending.iter().map(|run| run.id).collect::<Vec<_>>(), expected[..50]);
    for run in fixture.store.pending_runs(&many, 100).await.unwrap() {
        fixture.start(run.id, &[("a", 0)], 1).await;
    }
    assert!(fixture.store.next_job_due(&many[3..]).await.unwrap().is_some());
    for chunk in expected.chunks(25) {
        let claimed = fixture.store.claim_jobs(&claim("worker"), &many, 25).await.unwrap();
        let claimed: Vec<RunId> = claimed.iter().map(|job| job.lease.run_id).collect();
        assert_eq!(sorted(claimed), sorted(chunk.to_vec()));
    }
}

async fn a_claim_may_be_bound_to_the_epoch_before_it(fixture: Fixture) {
    let run_id = fixture.single().await;
    let claim_at = |epoch| {
        let precondition = Precondition::ClaimableAt { stage_key: "a".into(), generation: 1, epoch };
        let change = Change::Claim { stage_key: "a".into(), claim: claim("worker") };
        fixture.commit(decision(run_id, precondition, vec![change]))
    };
    assert_eq!(claim_at(1).await, Commit::PreconditionFailed);
    let Commit::Applied(applied) = claim_at(0).await else { panic!("the job is claimable") };
    assert_eq!(applied.claimed[0].lease.epoch, 1);
    assert_eq!(claim_at(1).await, Commit::PreconditionFailed, "the job is leased");
    fixture.apply(held(&applied.claimed[0], vec![Change::ReturnJob { stage_key: "a".into(), reason: "the worker stops".into() }])).await;
    assert_eq!(claim_at(0).await, Commit::PreconditionFailed);
    assert!(matches!(claim_at(1).await, Commit::Applied(_)));
}

async fn the_result_of_a_command_is_stored_under_its_key(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let complete_key = |key: &str, result: &str| Change::CompleteIdempotencyKey {
        command: "job.execute",
        key: key.into(),
        result: json(result),
    };
    let fails = fixture.store.commit(held(&job, vec![complete_key("k\u{1a}1", "early")])).await.unwrap_err();
    assert_eq!(fails.code(), "STORE_FAILED");

    let entry = |result: &str| IdempotencyEntry {
        command: "job.execute",
        key: "k\u{1a}1".into(),
        request_hash: "hash".into(),
        result: json(result),
    };
    let keyed = |result: &str, changes| Decision { idempotency: Some(entry(result)), ..held(&job, changes) };
    let repeated = |result: &str| Commit::Duplicate { request_hash: "hash".into(), result: json(result) };
    fixture.apply(keyed("in the works", vec![])).await;
    assert_eq!(fixture.commit(keyed("again", vec![])).await, repeated("in the works"));
    // A result is not stored when the precondition fails.
    let late = decision(
        run_id,
        Precondition::Lease(super::fixture::stale(&job)),
        vec![complete_key("k\u{1a}1", "late")],
    );
    assert_eq!(fixture.commit(late).await, Commit::PreconditionFailed);
    assert_eq!(fixture.commit(keyed("again", vec![])).await, repeated("in the works"));
    fixture.apply(held(&job, vec![complete_key("k\u{1a}1", "do\u{0}ne"), complete("a")])).await;
    assert_eq!(fixture.commit(keyed("again", vec![])).await, repeated("do\u{0}ne"));
}

async fn counters_can_be_corrected(fixture: Fixture) {
    let run_id = fixture.diamond().await;
    let before = fixture.run(run_id).await;
    let recount = Change::Recount { active: 3, suspended: 2 };
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    fixture.apply(decision(run_id, precondition, vec![recount])).await;
    let after = fixture.run(run_id).await;
    assert_eq!((after.active, after.suspended), (3, 2));
    assert_eq!((after.version, after.last_sequence), (before.version + 1, before.last_sequence));
}
