//! Who waits is told, and told after the commit.

use std::time::Duration;

use super::fixture::{Fixture, complete, decision, held, new_run, release, stale};
use crate::ports::{Change, Commit, Precondition, NewRun};

cases![
    a_change_is_told_to_who_watches_its_run,
    who_waits_for_the_end_is_told_of_nothing_else,
    work_that_becomes_ready_is_told,
    a_retry_is_told_as_work,
    the_highest_priority_of_what_is_ready_is_kept,
    a_miss_is_told_to_nobody,
    who_is_told_sees_the_commit,
];

async fn a_change_is_told_to_who_watches_its_run(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let (_, other) = fixture.running().await;
    let mut watch = fixture.store.hints().watch_run(run_id);
    fixture.complete_run(&other).await;
    assert!(futures_util::poll!(std::pin::pin!(watch.changed())).is_pending(), "another run's change");
    fixture.complete_run(&job).await;
    watch.changed().await;
}

async fn who_waits_for_the_end_is_told_of_nothing_else(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let mut watch = fixture.store.hints().watch_run(run_id);
    let mut late = fixture.store.hints().watch_run(run_id);
    let progress = Change::Progress { stage_id: "a".into(), fraction: 0.5, message: "half".into() };
    fixture.apply(held(&job, vec![progress])).await;
    assert!(futures_util::poll!(std::pin::pin!(watch.may_be_over())).is_pending(), "it goes on");
    fixture.complete_run(&job).await;
    watch.may_be_over().await;
    assert!(futures_util::poll!(std::pin::pin!(watch.may_be_over())).is_pending(), "it has been told");
    // Whoever begins to wait after the end, but watches since before it, has not missed it.
    late.may_be_over().await;
}

async fn work_that_becomes_ready_is_told(fixture: Fixture) {
    let mut work = fixture.store.hints().watch_work();
    let told = |work: &mut tokio::sync::watch::Receiver<u64>| {
        let changed = work.has_changed().unwrap();
        work.mark_unchanged();
        changed
    };
    let run_id = fixture.create().await;
    assert!(told(&mut work), "a run to be started");
    fixture.start(run_id, &[("a", 0), ("b", 1)], 1).await;
    assert!(told(&mut work), "a queued stage");
    let job = fixture.claim("worker").await;
    assert!(!told(&mut work), "a claim leaves less to do");
    fixture.apply(held(&job, vec![complete("a"), release("b")])).await;
    assert!(told(&mut work), "a released stage");
    let job = fixture.claim("worker").await;
    fixture.apply(held(&job, vec![Change::ReturnJob { stage_id: "b".into() }])).await;
    assert!(told(&mut work), "a stage that was handed back");
    let job = fixture.claim("worker").await;
    fixture.complete_run(&job).await;
    assert!(!told(&mut work), "the end of a run");
}

async fn the_highest_priority_of_what_is_ready_is_kept(fixture: Fixture) {
    let create = |priority| fixture.create_as(NewRun { priority, ..new_run() });
    create(9).await;
    let urgency = fixture.store.hints().watch_highest_priority();
    assert!(!urgency.is_above(i32::MIN), "nothing was told since");
    for priority in [3, 7, 5] {
        create(priority).await;
    }
    assert!(urgency.is_above(6) && !urgency.is_above(7));
    assert_eq!(urgency.reset(), Some(7));
    let run_id = create(6).await;
    assert_eq!((urgency.reset(), urgency.reset()), (Some(6), None));
    fixture.start(run_id, &[("a", 0)], 1).await;
    assert_eq!(urgency.reset(), Some(6), "a queued stage");
}

async fn a_retry_is_told_as_work(fixture: Fixture) {
    let (_, job) = fixture.running().await;
    let work = fixture.store.hints().watch_work();
    let retry = Change::Retry { stage_id: "a".into(), error: "no".into(), delay: Duration::from_secs(9) };
    fixture.apply(held(&job, vec![retry])).await;
    assert!(work.has_changed().unwrap(), "something is due earlier than before");
}

async fn a_miss_is_told_to_nobody(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let work = fixture.store.hints().watch_work();
    let mut watch = fixture.store.hints().watch_run(run_id);
    let back = vec![Change::ReturnJob { stage_id: "a".into() }];
    let late = decision(run_id, Precondition::Lease(stale(&job)), back);
    assert_eq!(fixture.commit(late).await, Commit::PreconditionFailed);
    assert!(!work.has_changed().unwrap());
    assert!(futures_util::poll!(std::pin::pin!(watch.changed())).is_pending());
}

async fn who_is_told_sees_the_commit(fixture: Fixture) {
    for _ in 0..20 {
        let (run_id, job) = fixture.running().await;
        let mut watch = fixture.store.hints().watch_run(run_id);
        let watcher = {
            let fixture = fixture.clone();
            tokio::spawn(async move {
                watch.changed().await;
                fixture.run(run_id).await.status
            })
        };
        fixture.complete_run(&job).await;
        assert_eq!(watcher.await.unwrap(), crate::records::Status::Completed);
    }
}
