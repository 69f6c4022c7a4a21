//! Cases about hints, which wake waiting tasks after a commit.

use std::time::Duration;

use super::fixture::{Fixture, complete, decision, held, new_run, release, stale};
use crate::ports::{Change, Commit, NewRun, Precondition};

cases![
    a_change_notifies_the_watchers_of_its_run,
    waiting_for_the_end_ignores_other_changes,
    the_end_of_a_watched_run_comes_with_its_record,
    a_run_without_a_watcher_ends_without_a_record,
    ready_work_is_signalled,
    a_retry_is_signalled_as_work,
    the_highest_priority_of_ready_work_is_recorded,
    a_failed_precondition_sends_no_hint,
    a_notified_watcher_sees_the_commit,
];

async fn a_change_notifies_the_watchers_of_its_run(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let (_, other) = fixture.running().await;
    let mut watch = fixture.store.hints().watch_run(run_id);
    fixture.complete_run(&other).await;
    assert!(futures_util::poll!(std::pin::pin!(watch.changed())).is_pending(), "another run's change");
    fixture.complete_run(&job).await;
    watch.changed().await;
}

async fn waiting_for_the_end_ignores_other_changes(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let mut watch = fixture.store.hints().watch_run(run_id);
    let mut late = fixture.store.hints().watch_run(run_id);
    let progress = Change::Progress { stage_key: "a".into(), fraction: 0.5, message: "half".into() };
    fixture.apply(held(&job, vec![progress])).await;
    assert!(futures_util::poll!(std::pin::pin!(watch.may_be_over())).is_pending(), "the run has not ended");
    fixture.complete_run(&job).await;
    watch.may_be_over().await;
    assert!(
        futures_util::poll!(std::pin::pin!(watch.may_be_over())).is_pending(),
        "the end was reported already"
    );
    // A task that starts to wait after the end does not miss it if it watched the run before.
    late.may_be_over().await;
}

async fn the_end_of_a_watched_run_comes_with_its_record(fixture: Fixture) {
    let external = fixture.store.hints().watch_external();
    loop {
        let before = *external.borrow();
        let (run_id, job) = fixture.running().await;
        let mut watch = fixture.store.hints().watch_run(run_id);
        fixture.complete_run(&job).await;
        let record = watch.may_be_over().await;
        // Another process may have ended it then, and its record is to be read.
        if *external.borrow() != before {
            continue;
        }
        let record = record.expect("this process has ended the run");
        assert_eq!(*record, fixture.run(run_id).await, "the record of the store");
        assert!(record.status.is_terminal());

        fixture.store.hints().all_runs_changed();
        assert_eq!(watch.may_be_over().await, None);
        return;
    }
}

async fn a_run_without_a_watcher_ends_without_a_record(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    assert!(!fixture.store.hints().is_watched(run_id));
    let watch = fixture.store.hints().watch_run(run_id);
    assert!(fixture.store.hints().is_watched(run_id));
    drop(watch);
    assert!(!fixture.store.hints().is_watched(run_id), "a watch that is dropped");
    fixture.complete_run(&job).await;
    let mut late = fixture.store.hints().watch_run(run_id);
    assert!(futures_util::poll!(std::pin::pin!(late.may_be_over())).is_pending(), "it has ended before");
}

async fn ready_work_is_signalled(fixture: Fixture) {
    let mut work = fixture.store.hints().watch_work();
    let signalled = |work: &mut tokio::sync::watch::Receiver<u64>| {
        let changed = work.has_changed().unwrap();
        work.mark_unchanged();
        changed
    };
    let run_id = fixture.create().await;
    assert!(signalled(&mut work), "a pending run");
    fixture.start(run_id, &[("a", 0), ("b", 1)], 1).await;
    assert!(signalled(&mut work), "a queued stage");
    let job = fixture.claim("worker").await;
    assert!(!signalled(&mut work), "a claim adds no work");
    fixture.apply(held(&job, vec![complete("a"), release("b")])).await;
    assert!(signalled(&mut work), "a released stage");
    let job = fixture.claim("worker").await;
    fixture.apply(held(&job, vec![Change::ReturnJob { stage_key: "b".into(), reason: "the worker stops".into() }])).await;
    assert!(signalled(&mut work), "a returned stage");
    let job = fixture.claim("worker").await;
    fixture.complete_run(&job).await;
    assert!(!signalled(&mut work), "the end of a run");
}

async fn the_highest_priority_of_ready_work_is_recorded(fixture: Fixture) {
    let create = |priority| fixture.create_as(NewRun { priority, ..new_run() });
    create(9).await;
    let highest = fixture.store.hints().watch_highest_priority();
    assert!(!highest.is_above(i32::MIN), "no work became ready since");
    for priority in [3, 7, 5] {
        create(priority).await;
    }
    assert!(highest.is_above(6) && !highest.is_above(7));
    assert_eq!(highest.reset(), Some(7));
    let run_id = create(6).await;
    assert_eq!((highest.reset(), highest.reset()), (Some(6), None));
    fixture.start(run_id, &[("a", 0)], 1).await;
    assert_eq!(highest.reset(), Some(6), "a queued stage");
}

async fn a_retry_is_signalled_as_work(fixture: Fixture) {
    let (_, job) = fixture.running().await;
    let work = fixture.store.hints().watch_work();
    let retry = Change::Retry { stage_key: "a".into(), error: "no".into(), delay: Duration::from_secs(9) };
    fixture.apply(held(&job, vec![retry])).await;
    assert!(work.has_changed().unwrap(), "a job may be due earlier than before");
}

async fn a_failed_precondition_sends_no_hint(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let work = fixture.store.hints().watch_work();
    let mut watch = fixture.store.hints().watch_run(run_id);
    let back = vec![Change::ReturnJob { stage_key: "a".into(), reason: "the worker stops".into() }];
    let late = decision(run_id, Precondition::Lease(stale(&job)), back);
    assert_eq!(fixture.commit(late).await, Commit::PreconditionFailed);
    assert!(!work.has_changed().unwrap());
    assert!(futures_util::poll!(std::pin::pin!(watch.changed())).is_pending());
}

async fn a_notified_watcher_sees_the_commit(fixture: Fixture) {
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
