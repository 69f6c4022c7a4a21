//! Cases about fair order: a long queue of one definition does not block other definitions.

use std::sync::Arc;
use std::time::Duration;

use super::fixture::{DEFINITION, Fixture, claim, held, new_run, start_changes};
use crate::ports::{Change, ClaimRequest, ClaimedWork, NewRun, StartPlans};
use crate::records::{Claimant, ClaimedJob, RunRecord, Status, StoredValue};
use crate::value::{Json, RunId};

cases![
    definitions_take_turns_at_equal_priority,
    a_recently_served_definition_comes_after_the_others,
    without_recently_served_definitions_the_oldest_job_comes_first,
    a_higher_priority_precedes_every_turn,
    a_pending_run_has_its_place_among_the_jobs,
    started_runs_precede_pending_runs_of_their_definition,
    a_check_waits_only_for_work_that_was_due_before_it,
    checks_of_one_definition_do_not_block_others,
    a_claim_returns_the_priority_of_the_remaining_work,
    pending_runs_take_turns,
    a_claim_starts_the_runs_whose_turn_it_is,
    concurrent_claims_start_each_run_once,
];

/// The definition with the long queue, and two others.
const LONG: &str = DEFINITION;
const SHORT: &str = "definition-short";
const THIRD: &str = "definition-third";

fn all() -> Vec<String> {
    [LONG, SHORT, THIRD].map(str::to_owned).to_vec()
}

/// Creates pending runs of a definition, one after the other.
async fn create(fixture: &Fixture, definition: &str, priority: i32, count: usize) -> Vec<RunId> {
    let mut runs = Vec::new();
    for _ in 0..count {
        let new = NewRun { definition_fingerprint: definition.into(), priority, ..new_run() };
        runs.push(fixture.create_as(new).await);
        fixture.clock.advance(Duration::from_millis(1));
    }
    runs
}

/// Creates and starts runs of a definition; each has a job.
async fn queue(fixture: &Fixture, definition: &str, priority: i32, count: usize) -> Vec<RunId> {
    let runs = create(fixture, definition, priority, count).await;
    for run_id in &runs {
        fixture.start(*run_id, &[("a", 0)], 1).await;
        fixture.clock.advance(Duration::from_millis(1));
    }
    runs
}

/// Creates runs of a definition that wait, each with a check that is due now, in order.
async fn wait(fixture: &Fixture, definition: &str, priority: i32, count: usize) -> Vec<RunId> {
    let runs = queue(fixture, definition, priority, count).await;
    let definitions = [definition.to_owned()];
    let mut jobs = fixture.store.claim_jobs(&claim("worker"), &definitions, count).await.unwrap();
    jobs.sort_by_key(|job| job.lease.run_id);
    for job in jobs {
        let suspend = Change::Suspend {
            stage_key: "a".into(),
            ticket: StoredValue::Inline(Json::null()),
            check_after: Duration::ZERO,
            give_up_after: Duration::from_secs(86_400),
            awaits_signal: false,
        };
        fixture.apply(held(&job, vec![suspend])).await;
        fixture.clock.advance(Duration::from_millis(1));
    }
    runs
}

async fn work(fixture: &Fixture, served: &[&str], limit: usize, runs: bool) -> ClaimedWork {
    let served = served.iter().map(|definition| (*definition).to_owned()).collect();
    fixture.store.claim_work(request(served, limit, runs, StartPlans::default())).await.unwrap()
}

fn request(served: Vec<String>, limit: usize, runs: bool, starts: StartPlans) -> ClaimRequest {
    let starts = Arc::new(starts);
    ClaimRequest { claim: claim("worker"), definitions: all(), recently_served: served, limit, runs, starts }
}

/// Claims with a start plan for the long definition, whose runs start with `a` and `b` in parallel.
async fn claim_and_start(fixture: &Fixture, limit: usize) -> ClaimedWork {
    let mut starts = StartPlans::default();
    starts.insert(LONG.to_owned(), start_changes(&[("a", 0), ("b", 0)], 2));
    fixture.store.claim_work(request(Vec::new(), limit, true, starts)).await.unwrap()
}

/// Claims jobs and returns their runs, sorted.
async fn taken(fixture: &Fixture, served: &[&str], limit: usize) -> Vec<RunId> {
    let claimed = work(fixture, served, limit, false).await.jobs;
    sorted(claimed.into_iter().map(|job| job.lease.run_id))
}

fn sorted(runs: impl IntoIterator<Item = RunId>) -> Vec<RunId> {
    let mut runs: Vec<RunId> = runs.into_iter().collect();
    runs.sort();
    runs
}

async fn definitions_take_turns_at_equal_priority(fixture: Fixture) {
    let long = queue(&fixture, LONG, 5, 40).await;
    let short = queue(&fixture, SHORT, 5, 2).await;
    let third = queue(&fixture, THIRD, 5, 4).await;
    let expected = sorted([&long[..2], &short[..], &third[..2]].concat());
    assert_eq!(taken(&fixture, &[], 6).await, expected, "two of each");
    let expected = sorted([&long[2..4], &third[2..]].concat());
    assert_eq!(taken(&fixture, &[], 4).await, expected, "unused turns go to the others");
    assert_eq!(taken(&fixture, &[], 50).await, sorted(long[4..].iter().copied()));
}

async fn a_recently_served_definition_comes_after_the_others(fixture: Fixture) {
    let long = queue(&fixture, LONG, 5, 6).await;
    let short = queue(&fixture, SHORT, 5, 3).await;
    let third = queue(&fixture, THIRD, 5, 3).await;
    assert_eq!(
        taken(&fixture, &[LONG], 1).await,
        short[..1],
        "the oldest job of the definitions that were not served"
    );
    assert_eq!(taken(&fixture, &[LONG, SHORT], 1).await, third[..1]);
    assert_eq!(taken(&fixture, &[LONG, SHORT, THIRD], 1).await, long[..1]);
    assert_eq!(taken(&fixture, &[THIRD, SHORT, LONG], 1).await, third[1..2]);
    assert_eq!(taken(&fixture, &[THIRD, SHORT, LONG], 2).await, sorted([short[1], third[2]]));
    assert_eq!(taken(&fixture, &["definition-without-jobs", LONG, SHORT], 1).await, long[1..2]);
}

async fn without_recently_served_definitions_the_oldest_job_comes_first(fixture: Fixture) {
    let third = queue(&fixture, THIRD, 5, 2).await;
    let short = queue(&fixture, SHORT, 5, 1).await;
    let long = queue(&fixture, LONG, 5, 1).await;
    let mut order = Vec::new();
    for _ in 0..4 {
        order.extend(taken(&fixture, &[], 1).await);
    }
    assert_eq!(order, [third[0], third[1], short[0], long[0]]);
}

async fn a_higher_priority_precedes_every_turn(fixture: Fixture) {
    queue(&fixture, SHORT, 5, 3).await;
    let idle = queue(&fixture, THIRD, 4, 1).await;
    let urgent = queue(&fixture, LONG, 6, 5).await;
    assert_eq!(taken(&fixture, &[LONG], 4).await, urgent[..4]);
    let claimed = taken(&fixture, &[LONG], 2).await;
    assert!(claimed.contains(&urgent[4]) && !claimed.contains(&idle[0]), "{claimed:?}");
    assert!(!taken(&fixture, &[LONG], 2).await.contains(&idle[0]));
    assert_eq!(taken(&fixture, &[LONG], 2).await, idle);
}

async fn a_pending_run_has_its_place_among_the_jobs(fixture: Fixture) {
    let jobs = queue(&fixture, LONG, 5, 4).await;
    let new = create(&fixture, LONG, 5, 1).await;
    let urgent = create(&fixture, SHORT, 9, 1).await;
    let other = create(&fixture, SHORT, 5, 1).await;
    let ids = |found: &ClaimedWork| found.runs.iter().map(|run| run.id).collect::<Vec<_>>();
    let found = work(&fixture, &[], 1, true).await;
    assert_eq!(
        (found.jobs.len(), ids(&found), found.remaining_priority),
        (0, urgent.clone(), Some(5)),
        "its priority is higher"
    );
    assert_eq!(found.runs[0], fixture.run(urgent[0]).await);
    let found = work(&fixture, &[], 3, true).await;
    let expected = vec![urgent[0], other[0]];
    assert_eq!(
        (found.jobs.len(), ids(&found), found.remaining_priority),
        (1, expected, Some(5)),
        "each definition has its turn"
    );
    assert_eq!(found.jobs[0].lease.run_id, jobs[0]);
    let found = work(&fixture, &[], 1, false).await;
    assert_eq!(
        (found.jobs.len(), found.runs.len()),
        (1, 0),
        "a worker that starts no runs keeps no slot for them"
    );
    let found = work(&fixture, &[], 9, true).await;
    assert_eq!(
        (found.jobs.len(), ids(&found), found.remaining_priority),
        (2, vec![urgent[0], other[0], new[0]], None)
    );
}

async fn started_runs_precede_pending_runs_of_their_definition(fixture: Fixture) {
    create(&fixture, LONG, 5, 3).await;
    let started = queue(&fixture, LONG, 5, 2).await;
    let found = work(&fixture, &[], 3, true).await;
    assert_eq!(sorted(found.jobs.iter().map(|job| job.lease.run_id)), started);
    assert_eq!((found.runs.len(), found.remaining_priority), (1, Some(5)));
}

/// A check has the default priority, so neither jobs nor checks starve.
async fn a_check_waits_only_for_work_that_was_due_before_it(fixture: Fixture) {
    let before = queue(&fixture, LONG, 5, 1).await;
    let checks = wait(&fixture, SHORT, -7, 2).await;
    let own = queue(&fixture, SHORT, Claimant::DEFAULT_PRIORITY, 2).await;
    let urgent = queue(&fixture, SHORT, 6, 1).await;
    let idle = queue(&fixture, SHORT, 4, 1).await;
    let mut order = Vec::new();
    for _ in 0..7 {
        order.extend(taken(&fixture, &[], 1).await);
    }
    assert_eq!(order, [urgent, before, checks, own, idle].concat());
}

async fn checks_of_one_definition_do_not_block_others(fixture: Fixture) {
    let long = wait(&fixture, LONG, 9, 30).await;
    let short = wait(&fixture, SHORT, 5, 1).await;
    let third = queue(&fixture, THIRD, 5, 1).await;
    create(&fixture, THIRD, 5, 1).await;
    let found = work(&fixture, &[], 4, true).await;
    let claimed = sorted(found.jobs.iter().map(|job| job.lease.run_id));
    assert_eq!(
        claimed,
        sorted([long[0], short[0], third[0], long[1]]),
        "the second turn begins with the oldest"
    );
    let found = work(&fixture, &[LONG], 2, true).await;
    assert_eq!((found.jobs.len(), found.runs.len()), (1, 1));
    assert_eq!(found.jobs[0].lease.run_id, long[2]);
}

async fn a_claim_returns_the_priority_of_the_remaining_work(fixture: Fixture) {
    assert_eq!(work(&fixture, &[], 5, true).await, ClaimedWork::default());
    queue(&fixture, LONG, 7, 2).await;
    queue(&fixture, SHORT, 3, 2).await;
    create(&fixture, THIRD, 8, 2).await;
    let mut remaining = Vec::new();
    for _ in 0..2 {
        remaining.push(work(&fixture, &[], 1, false).await.remaining_priority);
    }
    remaining.push(work(&fixture, &[], 1, true).await.remaining_priority);
    remaining.push(work(&fixture, &[], 2, true).await.remaining_priority);
    remaining.push(work(&fixture, &[], 1, false).await.remaining_priority);
    remaining.push(work(&fixture, &[], 1, false).await.remaining_priority);
    assert_eq!(remaining, [Some(7), Some(3), Some(8), Some(3), Some(3), None]);
}

async fn pending_runs_take_turns(fixture: Fixture) {
    let long = create(&fixture, LONG, 5, 20).await;
    let short = create(&fixture, SHORT, 5, 2).await;
    let urgent = create(&fixture, THIRD, 6, 2).await;
    let order = [urgent[0], urgent[1], long[0], short[0], long[1], short[1], long[2], long[3]];
    let ids = |runs: Vec<RunRecord>| runs.into_iter().map(|run| run.id).collect::<Vec<_>>();
    assert_eq!(ids(fixture.store.pending_runs(&all(), 8).await.unwrap()), order);
    assert_eq!(ids(work(&fixture, &[], 8, true).await.runs), order);
    let order = [urgent[0], urgent[1], short[0], long[0], short[1], long[1], long[2], long[3]];
    assert_eq!(ids(work(&fixture, &[THIRD, LONG], 8, true).await.runs), order);
    assert_eq!(ids(work(&fixture, &[LONG, SHORT], 3, true).await.runs), [urgent[0], urgent[1], long[0]]);
}

async fn a_claim_starts_the_runs_whose_turn_it_is(fixture: Fixture) {
    let started = queue(&fixture, LONG, 5, 1).await;
    let long = create(&fixture, LONG, 5, 3).await;
    let short = create(&fixture, SHORT, 5, 1).await;
    let stages = |jobs: &[ClaimedJob]| {
        jobs.iter().map(|job| (job.lease.run_id, job.lease.stage_key.clone())).collect::<Vec<_>>()
    };
    let found = claim_and_start(&fixture, 4).await;
    let expected = [(started[0], "a"), (long[0], "a"), (long[0], "b"), (long[1], "a")];
    let expected = expected.map(|(run_id, stage)| (run_id, stage.into()));
    assert_eq!(stages(&found.jobs), expected, "a run with two first stages takes two slots");
    assert_eq!((found.started, found.remaining_priority), (long[..2].to_vec(), Some(5)));
    assert_eq!(found.runs, [fixture.run(short[0]).await], "this run has no start plan");
    for run_id in &long[..2] {
        let events = fixture.store.events(*run_id, 0, 9).await.unwrap();
        assert_eq!(events[1].kind.name(), "workflow:started");
        assert_eq!(fixture.run(*run_id).await.status, Status::Running);
    }
    let waiting = fixture.job(long[1], "b").await.unwrap();
    assert_eq!((waiting.status, waiting.attempt), (Status::Pending, 0), "no slot was left for it");

    let found = claim_and_start(&fixture, 9).await;
    let mut claimed = stages(&found.jobs);
    claimed.sort();
    assert_eq!(
        claimed,
        [(long[1], "b"), (long[2], "a"), (long[2], "b")].map(|(run, stage)| (run, stage.into()))
    );
    assert_eq!((found.started, found.remaining_priority), (vec![long[2]], None));
    assert_eq!(claim_and_start(&fixture, 9).await.jobs, []);
}

async fn concurrent_claims_start_each_run_once(fixture: Fixture) {
    let runs = create(&fixture, LONG, 5, 12).await;
    let claims = (0..6).map(|_| claim_and_start(&fixture, 8));
    let found = futures_util::future::join_all(claims).await;
    let mut started: Vec<RunId> = found.iter().flat_map(|found| found.started.clone()).collect();
    let jobs = found.iter().map(|found| found.jobs.len()).sum::<usize>();
    let rest = claim_and_start(&fixture, 100).await;
    started.extend(rest.started);
    assert_eq!(sorted(started), runs, "each run is started once");
    assert_eq!(jobs + rest.jobs.len(), 24, "each job is claimed once");
}
