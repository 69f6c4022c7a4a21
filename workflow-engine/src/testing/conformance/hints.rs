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

/// Returns whether a hint has come that a future waits for.
macro_rules! has_come {
    ($hint:expr) => {
        futures_util::poll!(std::pin::pin!($hint)).is_ready()
    };
}

async fn a_change_notifies_the_watchers_of_its_run(fixture: Fixture) {
    let by_other = fixture.undisturbed(|| async {
        let (run_id, job) = fixture.running().await;
        let (_, other) = fixture.running().await;
        let mut watch = fixture.store.hints().watch_run(run_id);
        fixture.complete_run(&other).await;
        let by_other = has_come!(watch.changed());
        fixture.complete_run(&job).await;
        watch.changed().await;
        by_other
    });
    assert!(!by_other.await, "another run's change");
}

async fn waiting_for_the_end_ignores_other_changes(fixture: Fixture) {
    let (by_progress, again) = fixture
        .undisturbed(|| async {
            let (run_id, job) = fixture.running().await;
            let mut watch = fixture.store.hints().watch_run(run_id);
            let mut late = fixture.store.hints().watch_run(run_id);
            let progress = Change::Progress { stage_key: "a".into(), fraction: 0.5, message: "half".into() };
            fixture.apply(held(&job, vec![progress])).await;
            let by_progress = has_come!(watch.may_be_over());
            fixture.complete_run(&job).await;
            watch.may_be_over().await;
            let again = has_come!(watch.may_be_over());
            // A task that starts to wait after the end does not miss it if it watched the run before.
            late.may_be_over().await;
            (by_progress, again)
        })
        .await;
    assert!(!by_progress, "the run has not ended");
    assert!(!again, "the end was reported already");
}

async fn the_end_of_a_watched_run_comes_with_its_record(fixture: Fixture) {
    let ended = fixture.undisturbed(|| async {
        let (run_id, job) = fixture.running().await;
        let mut watch = fixture.store.hints().watch_run(run_id);
        fixture.complete_run(&job).await;
        let record = watch.may_be_over().await;
        (run_id, watch, record)
    });
    let (run_id, mut watch, record) = ended.await;
    let record = record.expect("this process has ended the run");
    assert_eq!(*record, fixture.run(run_id).await, "the record of the store");
    assert!(record.status.is_terminal());

    fixture.store.hints().all_runs_changed();
    assert_eq!(watch.may_be_over().await, None);
}

async fn a_run_without_a_watcher_ends_without_a_record(fixture: Fixture) {
    let by_earlier_end = fixture.undisturbed(|| async {
        let (run_id, job) = fixture.running().await;
        assert!(!fixture.store.hints().is_watched(run_id));
        let watch = fixture.store.hints().watch_run(run_id);
        assert!(fixture.store.hints().is_watched(run_id));
        drop(watch);
        assert!(!fixture.store.hints().is_watched(run_id), "a watch that is dropped");
        fixture.complete_run(&job).await;
        let mut late = fixture.store.hints().watch_run(run_id);
        has_come!(late.may_be_over())
    });
    assert!(!by_earlier_end.await, "it has ended before");
}

async fn ready_work_is_signalled(fixture: Fixture) {
    let signals = fixture.undisturbed(|| async {
        let mut work = fixture.store.hints().watch_work();
        let mut signalled = || {
            let changed = work.has_changed().unwrap();
            work.mark_unchanged();
            changed
        };
        let run_id = fixture.create().await;
        let pending = signalled();
        fixture.start(run_id, &[("a", 0), ("b", 1)], 1).await;
        let queued = signalled();
        let job = fixture.claim("worker").await;
        let claimed = signalled();
        fixture.apply(held(&job, vec![complete("a"), release("b")])).await;
        let released = signalled();
        let job = fixture.claim("worker").await;
        let back = Change::ReturnJob { stage_key: "b".into(), reason: "the worker stops".into() };
        fixture.apply(held(&job, vec![back])).await;
        let returned = signalled();
        let job = fixture.claim("worker").await;
        fixture.complete_run(&job).await;
        let ended = signalled();
        [
            ("a pending run", pending),
            ("a queued stage", queued),
            ("a claim", claimed),
            ("a released stage", released),
            ("a returned stage", returned),
            ("the end of a run", ended),
        ]
    });
    let expected = [
        ("a pending run", true),
        ("a queued stage", true),
        ("a claim", false),
        ("a released stage", true),
        ("a returned stage", true),
        ("the end of a run", false),
    ];
    assert_eq!(signals.await, expected);
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
    let hints = fixture.undisturbed(|| async {
        let (run_id, job) = fixture.running().await;
        let work = fixture.store.hints().watch_work();
        let mut watch = fixture.store.hints().watch_run(run_id);
        let back = vec![Change::ReturnJob { stage_key: "a".into(), reason: "the worker stops".into() }];
        let late = decision(run_id, Precondition::Lease(stale(&job)), back);
        assert_eq!(fixture.commit(late).await, Commit::PreconditionFailed);
        (work.has_changed().unwrap(), has_come!(watch.changed()))
    });
    assert_eq!(hints.await, (false, false), "of work, and of the run");
}

async fn a_notified_watcher_sees_the_commit(fixture: Fixture) {
    for _ in 0..20 {
        let seen = fixture.undisturbed(|| async {
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
            watcher.await.unwrap()
        });
        assert_eq!(seen.await, crate::records::Status::Completed);
    }
}
