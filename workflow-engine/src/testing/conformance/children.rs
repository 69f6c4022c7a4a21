//! Cases about runs from runs: a child is created, woken and told to end in the commits of its parent and of itself.

use std::time::Duration;

use chrono::TimeDelta;

use super::fixture::{
    Fixture, call, cancel_run, complete, decision, enqueue, entry, held, new_run, new_stages, release_run,
    reserve, settle,
};
use crate::ports::{Change, ChildStart, Commit, NewRun, OtherRun, Precondition, RunFilter, RunQuery};
use crate::records::{ChildTicket, ClaimedJob, RunParent, Status, StoredValue};
use crate::value::{CallId, Cost, Json, RunId};

cases![
    a_child_is_created_in_the_commit_of_its_parent,
    a_decision_that_misses_creates_no_child,
    a_taken_key_of_a_child_undoes_the_commit,
    the_end_of_a_child_wakes_the_stage_that_waits_for_it,
    a_commit_that_does_not_end_the_child_wakes_nothing,
    a_stage_that_waits_no_longer_is_not_woken,
    a_child_that_ends_during_a_check_makes_another_one_due,
    a_child_is_due_to_end_with_its_parent,
    a_run_that_is_no_awaited_child_is_not_due_to_end,
    children_that_end_at_once_wake_their_stages,
    children_are_listed_newest_first,
    the_costs_of_descendants_are_summed_up,
];

const DAY: Duration = Duration::from_secs(86_400);

fn link(parent: RunId, stage_id: &str, is_awaited: bool) -> RunParent {
    RunParent::new(parent, stage_id, 1, 1, is_awaited)
}

fn start(run_id: RunId, parent: RunParent) -> Change {
    let run = NewRun { parent: Some(parent), ..new_run() };
    Change::OtherRun(OtherRun::Start(Box::new(ChildStart::new(run_id, run))))
}

fn suspend(stage_id: &str, child: RunId) -> Change {
    let ticket = Json::write(&ChildTicket { child_run_id: child }).expect("an id is serializable");
    Change::Suspend {
        stage_key: stage_id.into(),
        ticket: StoredValue::Inline(ticket),
        check_after: DAY,
        give_up_after: 2 * DAY,
        awaits_signal: false,
    }
}

fn wake(parent: RunId, stage_id: &str) -> Change {
    Change::OtherRun(OtherRun::WakeParent { run_id: parent, stage_key: stage_id.into() })
}

fn end(child: RunId, stage_id: &str) -> Change {
    let (stage_key, reason) = (stage_id.into(), "no longer".into());
    Change::OtherRun(OtherRun::CancelChild { run_id: child, stage_key, reason })
}

/// Starts a run whose stage waits for a child, and the child, whose stage is claimed.
async fn family(fixture: &Fixture) -> (RunId, RunId, ClaimedJob) {
    let (parent, job) = fixture.running().await;
    let child = RunId::generate();
    fixture.apply(held(&job, vec![start(child, link(parent, "a", true)), suspend("a", child)])).await;
    fixture.start(child, &[("a", 0)], 1).await;
    let job = fixture.claim("worker").await;
    assert_eq!(job.lease.run_id, child);
    (parent, child, job)
}

async fn a_child_is_created_in_the_commit_of_its_parent(fixture: Fixture) {
    let (parent, job) = fixture.running().await;
    let child = RunId::generate();
    let changes = vec![start(child, link(parent, "a", false)), complete("a"), release_run()];
    fixture.apply(held(&job, changes)).await;
    assert_eq!(fixture.run(parent).await.status, Status::Completed);
    let run = fixture.run(child).await;
    assert_eq!((run.status, run.parent), (Status::Pending, Some(link(parent, "a", false))));
    assert_eq!(fixture.event_names(child).await, ["workflow:created"]);
    fixture.start(child, &[("a", 0)], 1).await;
    let job = fixture.claim("worker").await;
    assert_eq!((job.lease.run_id, job.awaited_by.clone()), (child, None), "nothing waits for it");
    fixture.complete_run(&job).await;
    assert_eq!(fixture.event_names(parent).await.last(), Some(&"workflow:completed"));
}

async fn a_decision_that_misses_creates_no_child(fixture: Fixture) {
    let (parent, job) = fixture.running().await;
    fixture.apply(held(&job, vec![complete("a")])).await;
    let child = RunId::generate();
    let late = held(&job, vec![start(child, link(parent, "a", false)), complete("a")]);
    assert_eq!(fixture.commit(late).await, Commit::PreconditionFailed);
    assert_eq!(fixture.store.run(child).await.unwrap(), None, "G4: a late worker starts nothing");
}

async fn a_taken_key_of_a_child_undoes_the_commit(fixture: Fixture) {
    let (parent, job) = fixture.running().await;
    let keyed = |run_id: RunId| {
        let run = NewRun { parent: Some(link(parent, "a", false)), ..new_run() };
        let idempotency = Some(entry("run.create", "order-7", 1));
        let start = ChildStart { idempotency, ..ChildStart::new(run_id, run) };
        Change::OtherRun(OtherRun::Start(Box::new(start)))
    };
    let [first, second] = [RunId::generate(), RunId::generate()];
    fixture.apply(held(&job, vec![keyed(first)])).await;
    assert_eq!(fixture.store.run_of_key("order-7").await.unwrap(), Some(first));
    let error = fixture.store.commit(held(&job, vec![keyed(second), complete("a")])).await.unwrap_err();
    assert_eq!(error.code().as_str(), "IDEMPOTENCY_CONFLICT");
    assert_eq!(fixture.stage(parent, "a").await.status, Status::Running);
    assert_eq!(fixture.store.run(second).await.unwrap(), None);
}

async fn the_end_of_a_child_wakes_the_stage_that_waits_for_it(fixture: Fixture) {
    let (parent, child, job) = family(&fixture).await;
    assert_eq!(job.awaited_by, Some(link(parent, "a", true)));
    assert_eq!(fixture.claim_up_to("worker", 9).await, [], "its check is not due");
    fixture.apply(held(&job, vec![complete("a"), release_run(), wake(parent, "a")])).await;
    let check = fixture.claim("worker").await;
    assert_eq!((check.lease.run_id, check.is_poll), (parent, true));
    assert_eq!(fixture.run(child).await.status, Status::Completed);
    fixture.complete_run(&check).await;
}

async fn a_commit_that_does_not_end_the_child_wakes_nothing(fixture: Fixture) {
    let (parent, job) = fixture.running().await;
    let child = RunId::generate();
    fixture.apply(held(&job, vec![start(child, link(parent, "a", true)), suspend("a", child)])).await;
    fixture.start(child, &[("a", 0), ("b", 0)], 2).await;
    let jobs = fixture.claim_up_to("worker", 2).await;
    let last = |job: &ClaimedJob| {
        held(job, vec![complete(&job.lease.stage_key.id), release_run(), wake(parent, "a")])
    };
    fixture.apply(last(&jobs[0])).await;
    assert_eq!(fixture.claim_up_to("worker", 9).await, []);
    fixture.apply(last(&jobs[1])).await;
    assert!(fixture.claim("worker").await.is_poll);
}

async fn a_stage_that_waits_no_longer_is_not_woken(fixture: Fixture) {
    let (parent, child, job) = family(&fixture).await;
    fixture.clock.advance(DAY);
    let check = fixture.claim("worker").await;
    assert!(check.is_poll);
    fixture.apply(held(&check, vec![complete("a")])).await;
    fixture.apply(held(&job, vec![complete("a"), release_run(), wake(parent, "a")])).await;
    assert_eq!(fixture.run(child).await.status, Status::Completed);
    assert_eq!(fixture.claim_up_to("worker", 9).await, []);
}

async fn a_child_that_ends_during_a_check_makes_another_one_due(fixture: Fixture) {
    let (parent, _, job) = family(&fixture).await;
    fixture.clock.advance(DAY);
    let check = fixture.claim("worker").await;
    assert!(check.is_poll);
    fixture.apply(held(&job, vec![complete("a"), release_run(), wake(parent, "a")])).await;
    fixture.apply(held(&check, vec![Change::Postpone { stage_key: "a".into(), check_after: DAY }])).await;
    assert!(fixture.claim("worker").await.is_poll, "the check may have asked before the child ended");
}

async fn a_child_is_due_to_end_with_its_parent(fixture: Fixture) {
    let (parent, child, job) = family(&fixture).await;
    assert_eq!(fixture.store.overdue_runs(9).await.unwrap(), []);
    let changes = vec![Change::Cancel { stage_key: "a".into() }, end(child, "a"), cancel_run()];
    let revision = fixture.revision(parent).await;
    fixture.apply(decision(parent, Precondition::Revision(revision), changes)).await;
    assert_eq!(fixture.run(parent).await.status, Status::Cancelled);
    assert_eq!(fixture.store.overdue_runs(9).await.unwrap(), [child]);
    let run = fixture.run(child).await;
    assert_eq!((run.status, run.cancel_reason.as_deref()), (Status::Running, Some("no longer")));
    assert!(fixture.store.next_timer(&[]).await.unwrap().is_some());
    // A clock that is set back gives it no more time.
    fixture.clock.jump(-TimeDelta::days(1));
    fixture.store.correct_instants().await.unwrap();
    assert_eq!(fixture.store.overdue_runs(9).await.unwrap(), [child]);
    // It may still complete before a worker ends it.
    fixture.apply(held(&job, vec![complete("a"), release_run(), wake(parent, "a")])).await;
    let run = fixture.run(child).await;
    assert_eq!((run.status, run.times.deadline_at), (Status::Completed, None));
    assert_eq!(fixture.store.overdue_runs(9).await.unwrap(), []);
}

async fn a_run_that_is_no_awaited_child_is_not_due_to_end(fixture: Fixture) {
    let (parent, job) = fixture.running().await;
    let [child, stranger] = [RunId::generate(), fixture.create().await];
    fixture.apply(held(&job, vec![start(child, link(parent, "a", false))])).await;
    let missing = RunId::generate();
    let changes = vec![end(child, "a"), end(stranger, "a"), end(missing, "a"), complete("a")];
    fixture.apply(held(&job, changes)).await;
    assert_eq!(fixture.store.overdue_runs(9).await.unwrap(), []);
    assert_eq!(fixture.run(child).await.cancel_reason, None);
}

async fn children_that_end_at_once_wake_their_stages(fixture: Fixture) {
    let parent = fixture.create().await;
    fixture.start(parent, &[("a", 0), ("b", 0)], 2).await;
    let mut ends = Vec::new();
    for job in fixture.claim_up_to("worker", 2).await {
        let (child, stage_id) = (RunId::generate(), job.lease.stage_key.id.clone());
        let changes = vec![start(child, link(parent, &stage_id, true)), suspend(&stage_id, child)];
        fixture.apply(held(&job, changes)).await;
        fixture.start(child, &[("a", 0)], 1).await;
        let job = fixture.claim("worker").await;
        ends.push(held(&job, vec![complete("a"), release_run(), wake(parent, &stage_id)]));
    }
    let second = ends.pop().unwrap();
    let (one, other) = futures_util::join!(fixture.store.commit(ends.remove(0)), fixture.store.commit(second));
    assert!(matches!((one.unwrap(), other.unwrap()), (Commit::Applied(_), Commit::Applied(_))));
    let checks = fixture.claim_up_to("worker", 9).await;
    assert_eq!(checks.len(), 2, "neither wake is lost");
}

async fn children_are_listed_newest_first(fixture: Fixture) {
    let (parent, job) = fixture.running().await;
    let mut children: Vec<RunId> = (0..3).map(|_| RunId::generate()).collect();
    let starts = children.iter().map(|child| start(*child, link(parent, "a", false)));
    fixture.apply(held(&job, starts.collect())).await;
    let query = |after| RunQuery {
        filter: RunFilter::new().parent(parent),
        after,
        from: None,
        limit: 2,
        time: Duration::from_secs(10),
    };
    children.sort_unstable_by(|one, other| other.cmp(one));
    let page = fixture.store.list_runs(&query(None)).await.unwrap();
    assert_eq!(page.runs.iter().map(|run| run.id).collect::<Vec<_>>(), children[..2]);
    let page = fixture.store.list_runs(&query(page.next)).await.unwrap();
    assert_eq!((page.runs.iter().map(|run| run.id).collect::<Vec<_>>(), page.next), (vec![children[2]], None));
    let tagged = RunFilter::new().parent(parent).tag("size", "small");
    assert_eq!(fixture.store.count_runs(&tagged, 9, Duration::from_secs(10)).await.unwrap().count, 0);
}

async fn the_costs_of_descendants_are_summed_up(fixture: Fixture) {
    let (parent, mut job) = fixture.running().await;
    assert_eq!(fixture.store.costs_of_descendants(parent).await.unwrap().cost, Cost::ZERO);
    // A child and its child, each with a call.
    for _ in 0..2 {
        let child = RunId::generate();
        let link = link(job.lease.run_id, "a", false);
        fixture.apply(held(&job, vec![start(child, link), complete("a"), release_run()])).await;
        fixture.apply(decision(
            child,
            Precondition::Present,
            vec![Change::StartRun { stages: new_stages(&[("a", 0)]), waiting_on: 1 }, enqueue("a")],
        ))
        .await;
        job = fixture.claim("worker").await;
        let id = CallId::generate();
        fixture.apply(held(&job, vec![reserve("a", id, call("topic", 50)), settle("a", id, 40)])).await;
    }
    let costs = fixture.store.costs_of_descendants(parent).await.unwrap();
    assert_eq!(costs.cost, Cost::from_picodollars(80));
    assert_eq!((costs.pending_calls, costs.reserved, costs.budget), (0, Cost::ZERO, None));
}
