//! Cases about budgets, which the store checks under the run's lock when a call is reserved.

use futures_util::future::join_all;

use super::fixture::{Fixture, LEASE, call, decision, definitions, held, reserve, settle};
use crate::error::Error;
use crate::ledger::CallOutcome;
use crate::ports::{Change, Commit, Precondition};
use crate::records::{ClaimedJob, Status};
use crate::value::{CallId, Cost, RunId, StageKey};

cases![
    spent_and_reserved_amounts_stay_within_the_budget_of_the_run,
    a_stage_has_its_own_budget,
    finished_calls_release_their_reservation_and_unknown_calls_do_not,
    a_budget_is_never_lowered,
    branches_do_not_overspend_together,
    a_stage_that_waits_for_its_budget_is_never_due,
    a_resumed_stage_is_due,
    a_stage_whose_call_fits_by_now_does_not_wait,
];

fn cost(picodollars: i64) -> Cost {
    Cost::from_picodollars(picodollars)
}

fn budget(stage: Option<&str>, limit: i64) -> Change {
    Change::SetBudget { stage_key: stage.map(StageKey::from), budget: cost(limit) }
}

async fn set(fixture: &Fixture, run_id: RunId, change: Change) {
    fixture.apply(decision(run_id, Precondition::Present, vec![change])).await;
}

/// Reserves a call in a stage that declares a budget.
async fn declared(
    fixture: &Fixture,
    job: &ClaimedJob,
    reserve: i64,
    limit: Option<i64>,
) -> Result<CallId, Error> {
    let (stage_key, call_id) = (job.lease.stage_key.clone(), CallId::generate());
    let call = Box::new(call("t", reserve));
    let change = Change::ReserveCall { stage_key, call_id, call, budget: limit.map(cost) };
    let commit = fixture.store.commit(held(job, vec![change])).await?;
    assert!(matches!(commit, Commit::Applied(_)), "{commit:?}");
    Ok(call_id)
}

fn refused(result: Result<CallId, Error>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.code(), "BUDGET_EXCEEDED");
    assert!(!error.is_retryable());
    error.to_string()
}

async fn spent_and_reserved_amounts_stay_within_the_budget_of_the_run(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    set(&fixture, run_id, budget(None, 10)).await;
    let first = declared(&fixture, &job, 4, None).await.unwrap();
    fixture.apply(held(&job, vec![settle("a", first, 2)])).await;
    declared(&fixture, &job, 5, None).await.unwrap();
    let text = refused(declared(&fixture, &job, 4, None).await);
    for part in [
        "run ",
        "is 0.00000000001 USD",
        "0.000000000002 USD spent",
        "0.000000000005 USD reserved",
        "can cost 0.000000000004 USD",
        "run.raiseBudget",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("stage"), "{text}");
    assert_eq!(
        fixture.store.calls_of_run(run_id, None, 9).await.unwrap().len(),
        2,
        "a refused call is not stored"
    );
    assert_eq!(fixture.run(run_id).await.spending.reserved, cost(5));
    declared(&fixture, &job, 3, None).await.unwrap();
    declared(&fixture, &job, 0, None).await.expect("a call without cost is within every budget");
}

async fn a_stage_has_its_own_budget(fixture: Fixture) {
    let run_id = fixture.create().await;
    fixture.start(run_id, &[("a", 0), ("b", 0)], 2).await;
    let jobs = fixture.claim_up_to("worker", 2).await;
    declared(&fixture, &jobs[0], 5, Some(5)).await.unwrap();
    let text = refused(declared(&fixture, &jobs[0], 1, Some(5)).await);
    assert!(text.contains(&format!("stage `{}` of run {run_id}", jobs[0].lease.stage_key)), "{text}");
    declared(&fixture, &jobs[1], 5, Some(5)).await.unwrap();
    // The greater of the run's own limit for the stage and the declared limit applies.
    set(&fixture, run_id, budget(Some(&jobs[0].lease.stage_key.id), 7)).await;
    declared(&fixture, &jobs[0], 2, Some(5)).await.unwrap();
    refused(declared(&fixture, &jobs[0], 1, Some(5)).await);
    declared(&fixture, &jobs[0], 1, Some(8)).await.unwrap();
    assert_eq!(fixture.stage(run_id, &jobs[0].lease.stage_key).await.spending.budget, Some(cost(7)));
}

async fn finished_calls_release_their_reservation_and_unknown_calls_do_not(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    set(&fixture, run_id, budget(None, 10)).await;
    let first = declared(&fixture, &job, 10, None).await.unwrap();
    let failed = CallOutcome::Failed { error: "no".into() };
    let end = |call_id, end| Change::SettleCall { stage_key: "a".into(), call_id, end: Box::new(end) };
    fixture.apply(held(&job, vec![end(first, failed)])).await;
    let second = declared(&fixture, &job, 10, None).await.unwrap();
    // One decision settles a call and reserves the next one.
    let third = CallId::generate();
    fixture.apply(held(&job, vec![settle("a", second, 4), reserve("a", third, call("t", 6))])).await;
    fixture.apply(held(&job, vec![end(third, CallOutcome::Unknown { error: "cut".into() })])).await;
    refused(declared(&fixture, &job, 1, None).await);
    // A call may cost more than its reservation: the full cost counts, and nothing is left.
    set(&fixture, run_id, budget(None, 11)).await;
    let last = declared(&fixture, &job, 1, None).await.unwrap();
    fixture.apply(held(&job, vec![settle("a", last, 100)])).await;
    assert_eq!(fixture.run(run_id).await.spending.cost, cost(104));
    refused(declared(&fixture, &job, 1, None).await);
}

async fn a_budget_is_never_lowered(fixture: Fixture) {
    let (run_id, _) = fixture.running().await;
    for (limit, then) in [(5, 5), (3, 5), (9, 9)] {
        set(&fixture, run_id, budget(None, limit)).await;
        set(&fixture, run_id, budget(Some("a"), limit)).await;
        assert_eq!(fixture.run(run_id).await.spending.budget, Some(cost(then)));
        assert_eq!(fixture.stage(run_id, "a").await.spending.budget, Some(cost(then)));
    }
}

/// Sixteen branches request a tenth of the budget each, at the same time.
async fn branches_do_not_overspend_together(fixture: Fixture) {
    let run_id = fixture.create().await;
    let names: Vec<String> = (0..16).map(|number| format!("s{number}")).collect();
    let stages: Vec<(&str, u32)> = names.iter().map(|name| (name.as_str(), 0)).collect();
    fixture.start(run_id, &stages, 16).await;
    set(&fixture, run_id, budget(None, 100)).await;
    let jobs = fixture.claim_up_to("worker", 16).await;
    assert_eq!(jobs.len(), 16);
    let results = join_all(jobs.iter().map(|job| declared(&fixture, job, 10, None))).await;
    let (granted, others): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((granted.len(), others.len()), (10, 6));
    for result in others {
        refused(result);
    }
    let run = fixture.run(run_id).await.spending;
    assert_eq!((run.reserved, run.pending_calls), (cost(100), 10));
    assert_eq!(fixture.store.calls_of_run(run_id, None, 99).await.unwrap().len(), 10);
}

fn wait(reserve: i64, limit: i64) -> Change {
    Change::AwaitBudget {
        stage_key: "a".into(),
        error: "too expensive".into(),
        reserve: cost(reserve),
        budget: Some(cost(limit)),
    }
}

async fn a_stage_that_waits_for_its_budget_is_never_due(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let events = fixture.events(run_id).await.len();
    fixture.apply(held(&job, vec![wait(5, 4)])).await;
    let stage = fixture.stage(run_id, "a").await;
    assert_eq!((stage.status, stage.attempt), (Status::Pending, 0), "the attempt does not count");
    assert_eq!((stage.awaited_cost, stage.error_message.as_deref()), (Some(cost(5)), Some("too expensive")));
    let waiting = fixture.job(run_id, "a").await.unwrap();
    assert_eq!((waiting.status, waiting.attempt, waiting.worker_id), (Status::Pending, 0, None));
    assert_eq!(waiting.lease_epoch, job.lease.epoch);
    assert_eq!(fixture.event_names(run_id).await[events..], ["stage:retrying"]);
    for _ in 0..2 {
        assert_eq!(fixture.store.next_job_due(&definitions()).await.unwrap(), None);
        assert!(fixture.claim_up_to("worker", 9).await.is_empty());
        assert!(fixture.store.stuck_runs(&definitions(), LEASE, 9).await.unwrap().is_empty());
        assert!(fixture.store.unclaimed_runs(&[], LEASE, 9).await.unwrap().is_empty());
        fixture.clock.advance(LEASE * 100_000);
    }
}

async fn a_resumed_stage_is_due(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let resume = || decision(run_id, Precondition::Present, vec![Change::Resume { stage_key: "a".into() }]);
    assert_eq!(fixture.apply(resume()).await.ready.len(), 0, "the stage does not wait");
    assert_eq!(fixture.job(run_id, "a").await.unwrap().status, Status::Running);
    fixture.apply(held(&job, vec![wait(5, 4)])).await;
    assert_eq!(fixture.apply(resume()).await.ready.len(), 1);
    assert_eq!(fixture.stage(run_id, "a").await.awaited_cost, None);
    let again = fixture.claim("worker").await;
    assert_eq!((again.attempt, again.lease.epoch), (1, job.lease.epoch + 1));
}

/// The budget was raised between the refusal and the wait, when there was no waiting stage to resume.
async fn a_stage_whose_call_fits_by_now_does_not_wait(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    assert_eq!(fixture.apply(held(&job, vec![wait(5, 5)])).await.ready.len(), 1);
    assert_eq!(fixture.stage(run_id, "a").await.awaited_cost, None);
    assert_eq!(fixture.claim("worker").await.attempt, 1);
}
