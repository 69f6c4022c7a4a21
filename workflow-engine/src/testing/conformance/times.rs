//! Cases about instants that are to come: delays, starts and deadlines.

use std::time::Duration;

use super::fixture::{
    ATTEMPTS, Fixture, claim, complete, decision, definitions, fail_run, held, new_run, release, start_changes,
};
use crate::ports::{Change, Clock, NewRun, Precondition, RerunStage};
use crate::records::{RunStart, Status};
use crate::value::{RunId, StageKey};

cases![
    a_delayed_stage_is_due_later_and_not_claimed_before,
    a_delay_of_a_stage_that_still_waits_changes_nothing,
    a_delay_of_a_claimed_or_older_job_changes_nothing,
    a_delayed_stage_is_cancelled_with_its_run,
    a_run_that_starts_later_is_no_pending_work_before,
    a_run_that_is_due_is_found_by_its_definition,
    a_start_that_has_passed_counts_as_none,
    a_run_over_its_deadline_is_found_until_it_ends,
    a_deadline_counts_from_a_later_start,
    a_rerun_begins_a_new_deadline,
    the_next_timer_is_the_earliest_start_or_deadline,
    a_timer_that_is_set_is_hinted,
];

const HOUR: Duration = Duration::from_secs(3_600);

fn delay(stage: &str) -> Change {
    Change::Delay { stage_key: stage.into(), delay: HOUR }
}

async fn create_timed(fixture: &Fixture, start: Option<RunStart>, deadline: Option<Duration>) -> RunId {
    create_of(fixture, new_run(), start, deadline).await
}

async fn create_of(
    fixture: &Fixture,
    new: NewRun,
    start: Option<RunStart>,
    deadline: Option<Duration>,
) -> RunId {
    let run_id = RunId::generate();
    let changes = vec![Change::CreateRun(new), Change::SetTimes { start, deadline }];
    fixture.apply(decision(run_id, Precondition::Absent, changes)).await;
    run_id
}

async fn due(fixture: &Fixture) -> Vec<RunId> {
    let due = fixture.store.due_runs(&definitions(), 10).await.unwrap();
    due.into_iter().map(|run| run.id).collect()
}

async fn a_delayed_stage_is_due_later_and_not_claimed_before(fixture: Fixture) {
    let run_id = fixture.diamond().await;
    let job = fixture.claim("worker").await;
    let changes = vec![complete("a"), release("b"), delay("b"), release("c")];
    let applied = fixture.apply(held(&job, changes)).await;
    assert_eq!(applied.ready, ["c"], "a delayed stage is not ready");
    let delayed = fixture.job(run_id, "b").await.unwrap();
    assert_eq!((delayed.status, delayed.run_at), (Status::Pending, fixture.clock.now() + HOUR));
    assert_eq!(fixture.run(run_id).await.active, 2);
    let claimed = fixture.claim_up_to("worker", 10).await;
    assert_eq!(claimed.len(), 1);
    assert_eq!(claimed[0].lease.stage_key, "c");
    let next = fixture.store.next_job_due(&definitions()).await.unwrap();
    assert_eq!(next, Some(fixture.clock.now() + HOUR));
    fixture.clock.advance(HOUR);
    let claimed = fixture.claim("worker").await;
    assert_eq!(claimed.lease.stage_key, "b");
    assert_eq!(claimed.attempt, 1);
}

async fn a_delay_of_a_stage_that_still_waits_changes_nothing(fixture: Fixture) {
    let run_id = fixture.diamond().await;
    let job = fixture.claim("worker").await;
    fixture.complete(&job, &["b", "c"]).await;
    let first = fixture.claim("worker").await;
    let last = fixture.claim("worker").await;
    let end = |stage: &StageKey| vec![complete(stage), release("d"), delay("d")];
    let first_end = end(&first.lease.stage_key);
    fixture.apply(held(&first, first_end)).await;
    assert_eq!(fixture.job(run_id, "d").await, None, "another branch is still to come");
    fixture.clock.advance(HOUR);
    let last_end = end(&last.lease.stage_key);
    fixture.apply(held(&last, last_end)).await;
    let job = fixture.job(run_id, "d").await.unwrap();
    assert_eq!(job.run_at, fixture.clock.now() + HOUR, "it counts from the last branch");
}

async fn a_delay_of_a_claimed_or_older_job_changes_nothing(fixture: Fixture) {
    let run_id = fixture.create().await;
    let mut changes = start_changes(&[("a", 0), ("b", 0)], 1);
    changes.insert(2, Change::Claim { stage_key: "a".into(), claim: claim("worker") });
    changes.push(delay("a"));
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    let applied = fixture.apply(decision(run_id, precondition, changes)).await;
    assert_eq!(applied.claimed.len(), 1);
    assert_eq!(fixture.job(run_id, "a").await.unwrap().status, Status::Running);
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    fixture.apply(decision(run_id, precondition, vec![delay("b")])).await;
    assert_eq!(fixture.claim("worker").await.lease.stage_key, "b", "it was ready before");
}

async fn a_delayed_stage_is_cancelled_with_its_run(fixture: Fixture) {
    let run_id = fixture.create().await;
    let mut changes = start_changes(&[("a", 0)], 1);
    changes.push(delay("a"));
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    fixture.apply(decision(run_id, precondition, changes)).await;
    assert!(fixture.claim_up_to("worker", 10).await.is_empty());
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    let changes = vec![Change::Cancel { stage_key: "a".into() }, fail_run()];
    fixture.apply(decision(run_id, precondition, changes)).await;
    assert_eq!(fixture.job(run_id, "a").await, None);
    assert_eq!(fixture.store.next_job_due(&definitions()).await.unwrap(), None);
}

async fn a_run_that_starts_later_is_no_pending_work_before(fixture: Fixture) {
    let start = fixture.clock.now() + HOUR;
    let at = create_timed(&fixture, Some(RunStart::At(start)), None).await;
    let after = create_timed(&fixture, Some(RunStart::After(2 * HOUR)), None).await;
    let times = fixture.run(at).await.times;
    assert_eq!((times.due_at, times.due_after, times.deadline_at), (Some(start), None, None));
    let times = fixture.run(after).await.times;
    assert_eq!((times.due_at, times.due_after), (Some(start + HOUR), Some(2 * HOUR)));
    assert_eq!(fixture.store.pending_runs(&definitions(), 10).await.unwrap(), []);
    assert!(due(&fixture).await.is_empty());
    assert!(fixture.claim_up_to("worker", 10).await.is_empty());
    fixture.clock.advance(HOUR);
    assert_eq!(due(&fixture).await, [at], "an instant that is now has come");
    assert_eq!(fixture.store.pending_runs(&definitions(), 10).await.unwrap(), [], "a timer starts it");
    fixture.clock.advance(HOUR);
    assert_eq!(due(&fixture).await, [at, after], "the longest overdue first");
    fixture.start(at, &[("a", 0)], 1).await;
    assert_eq!(due(&fixture).await, [after]);
    assert_eq!(fixture.claim("worker").await.lease.run_id, at);
}

async fn a_run_that_is_due_is_found_by_its_definition(fixture: Fixture) {
    let other = NewRun { definition_fingerprint: "definition-2".into(), ..new_run() };
    let other = create_of(&fixture, other, Some(RunStart::After(HOUR)), None).await;
    let own = create_timed(&fixture, Some(RunStart::After(HOUR)), None).await;
    fixture.clock.advance(HOUR);
    assert_eq!(due(&fixture).await, [own]);
    let both = [definitions().remove(0), "definition-2".into()];
    let found = fixture.store.due_runs(&both, 10).await.unwrap();
    assert_eq!(found.len(), 2);
    assert!(found.iter().any(|run| run.id == other));
    assert_eq!(fixture.store.due_runs(&both, 1).await.unwrap().len(), 1);
    assert_eq!(fixture.store.unclaimed_runs(&definitions(), HOUR, 10).await.unwrap(), []);
    fixture.clock.advance(HOUR);
    let unclaimed = fixture.store.unclaimed_runs(&definitions(), HOUR, 10).await.unwrap();
    assert_eq!(unclaimed, [other], "it has waited since it was due");
}

async fn a_start_that_has_passed_counts_as_none(fixture: Fixture) {
    let past = RunStart::At(fixture.clock.now() - HOUR);
    let run_id = create_timed(&fixture, Some(past), Some(HOUR)).await;
    let times = fixture.run(run_id).await.times;
    assert_eq!((times.due_at, times.deadline_at), (None, Some(fixture.clock.now() + HOUR)));
    let pending = fixture.store.pending_runs(&definitions(), 10).await.unwrap();
    assert_eq!(pending.into_iter().map(|run| run.id).collect::<Vec<_>>(), [run_id]);
}

async fn a_run_over_its_deadline_is_found_until_it_ends(fixture: Fixture) {
    let run_id = create_timed(&fixture, None, Some(HOUR)).await;
    let later = create_timed(&fixture, None, Some(2 * HOUR)).await;
    fixture.start(run_id, &[("a", 0)], 1).await;
    let job = fixture.claim("worker").await;
    assert_eq!(job.deadline_at, Some(fixture.clock.now() + HOUR));
    fixture.clock.advance(HOUR - Duration::from_micros(1));
    assert_eq!(fixture.store.overdue_runs(10).await.unwrap(), []);
    fixture.clock.advance(Duration::from_micros(1));
    assert_eq!(fixture.store.overdue_runs(10).await.unwrap(), [run_id]);
    fixture.clock.advance(HOUR);
    assert_eq!(fixture.store.overdue_runs(10).await.unwrap(), [run_id, later]);
    assert_eq!(fixture.store.overdue_runs(1).await.unwrap(), [run_id], "the longest overdue first");
    fixture.complete_run(&job).await;
    assert_eq!(fixture.store.overdue_runs(10).await.unwrap(), [later]);
}

async fn a_deadline_counts_from_a_later_start(fixture: Fixture) {
    let start = fixture.clock.now() + HOUR;
    let run_id = create_timed(&fixture, Some(RunStart::At(start)), Some(HOUR)).await;
    let times = fixture.run(run_id).await.times;
    assert_eq!((times.deadline_at, times.deadline), (Some(start + HOUR), Some(HOUR)));
}

async fn a_rerun_begins_a_new_deadline(fixture: Fixture) {
    let run_id = create_timed(&fixture, None, Some(HOUR)).await;
    fixture.start(run_id, &[("a", 0)], 1).await;
    let job = fixture.claim("worker").await;
    fixture.complete_run(&job).await;
    fixture.clock.advance(5 * HOUR);
    assert_eq!(fixture.store.next_timer(&definitions()).await.unwrap(), None);
    let again = RerunStage { stage_key: "a".into(), waiting_on: 0 };
    let enqueue =
        Change::Enqueue { stage_key: "a".into(), max_attempts: ATTEMPTS, max_crashes: 3, claim: None };
    let changes = vec![Change::Rerun { stages: vec![again], waiting_on: 1 }, enqueue];
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    fixture.apply(decision(run_id, precondition, changes)).await;
    let deadline = fixture.clock.now() + HOUR;
    assert_eq!(fixture.run(run_id).await.times.deadline_at, Some(deadline));
    assert_eq!(fixture.store.next_timer(&definitions()).await.unwrap(), Some(deadline));
    fixture.clock.advance(HOUR);
    assert_eq!(fixture.store.overdue_runs(10).await.unwrap(), [run_id]);
}

async fn the_next_timer_is_the_earliest_start_or_deadline(fixture: Fixture) {
    let now = fixture.clock.now();
    let next = async || fixture.store.next_timer(&definitions()).await.unwrap();
    assert_eq!(next().await, None);
    create_timed(&fixture, Some(RunStart::After(3 * HOUR)), None).await;
    assert_eq!(next().await, Some(now + 3 * HOUR));
    create_timed(&fixture, None, Some(2 * HOUR)).await;
    assert_eq!(next().await, Some(now + 2 * HOUR));
    let other = NewRun { definition_fingerprint: "definition-2".into(), ..new_run() };
    create_of(&fixture, other.clone(), Some(RunStart::After(HOUR)), None).await;
    assert_eq!(next().await, Some(now + 2 * HOUR), "a start belongs to those who have its definition");
    create_of(&fixture, other, None, Some(HOUR)).await;
    assert_eq!(next().await, Some(now + HOUR), "a deadline belongs to all");
    create_timed(&fixture, None, Some(Duration::MAX)).await;
    fixture.clock.advance(4 * HOUR);
    assert_eq!(next().await, Some(now + HOUR), "an instant in the past means now");
}

async fn a_timer_that_is_set_is_hinted(fixture: Fixture) {
    let timers = fixture.store.hints().watch_timers();
    fixture.create().await;
    assert!(!timers.has_changed().unwrap(), "an ordinary run wakes no timer");
    let makes_work = fixture.undisturbed(|| async {
        let work = fixture.store.hints().watch_work();
        create_timed(&fixture, Some(RunStart::After(HOUR)), None).await;
        work.has_changed().unwrap()
    });
    assert!(!makes_work.await, "there is nothing to claim");
    assert!(timers.has_changed().unwrap());
}
