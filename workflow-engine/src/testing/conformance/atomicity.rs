//! Cases about atomicity: a decision is applied completely or not at all, and does not affect other decisions.

use futures_util::future::join_all;

use super::fixture::{Fixture, complete, decision, held, json, release, stale};
use crate::ports::{Change, Commit, Precondition};
use crate::records::{BlobKey, Status};

cases![
    a_change_of_a_stage_that_does_not_exist_undoes_the_rest,
    a_release_below_zero_undoes_the_rest,
    a_queued_stage_is_not_queued_twice,
    a_terminal_run_is_not_ended_again,
    a_run_is_not_ended_twice_by_one_decision,
    a_change_of_a_run_that_does_not_exist_is_refused,
    an_error_does_not_affect_other_commits,
    a_failed_precondition_does_not_affect_other_commits,
    a_locked_commit_decides_from_the_current_state,
    a_locked_commit_without_a_decision_writes_nothing,
    a_locked_commit_may_find_no_run,
    a_panic_while_deciding_leaves_the_store_usable,
];

async fn refused(fixture: &Fixture, decision: crate::ports::Decision) {
    let run_id = decision.run_id;
    let before = fixture.store.snapshot(run_id).await.unwrap();
    let error = fixture.store.commit(decision).await.unwrap_err();
    assert_eq!(error.code(), "STORE_FAILED");
    assert!(error.to_string().contains(&run_id.to_string()), "the error names the run: {error}");
    assert_eq!(fixture.store.snapshot(run_id).await.unwrap(), before, "nothing was written");
}

async fn a_change_of_a_stage_that_does_not_exist_undoes_the_rest(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let key = BlobKey(format!("{run_id}/a/1/1"));
    let put = Change::PutBlob { key: key.clone(), value: json("large") };
    refused(&fixture, held(&job, vec![put, complete("a"), release("unknown")])).await;
    assert_eq!(fixture.store.blob(&key).await.unwrap(), None);
    assert_eq!(fixture.event_names(run_id).await.len(), 3);
    fixture.complete_run(&job).await;
    assert_eq!(fixture.run(run_id).await.status, Status::Completed, "the lease is still good");
}

async fn a_release_below_zero_undoes_the_rest(fixture: Fixture) {
    let run_id = fixture.diamond().await;
    let job = fixture.claim("worker").await;
    refused(&fixture, held(&job, vec![complete("a"), release("b"), release("b")])).await;
    let end = Change::ReleaseRun { output: None, stages: Vec::new() };
    refused(&fixture, held(&job, vec![complete("a"), end.clone(), end])).await;
    assert_eq!(fixture.stage(run_id, "b").await.waiting_on, 1);
}

async fn a_queued_stage_is_not_queued_twice(fixture: Fixture) {
    let run_id = fixture.single().await;
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    refused(&fixture, decision(run_id, precondition, vec![super::fixture::enqueue("a")])).await;
}

/// A terminal state changes only by a rerun (G9), even when the precondition holds.
async fn a_terminal_run_is_not_ended_again(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    fixture.complete_run(&job).await;
    for change in [
        Change::Cancel { stage_key: "a".into() },
        Change::Fail { stage_key: "a".into(), error: "late".into() },
        complete("a"),
        super::fixture::cancel_run(),
        super::fixture::fail_run(),
    ] {
        let precondition = Precondition::Revision(fixture.revision(run_id).await);
        refused(&fixture, decision(run_id, precondition, vec![change])).await;
    }
}

async fn a_run_is_not_ended_twice_by_one_decision(fixture: Fixture) {
    let (_, job) = fixture.running().await;
    let end = super::fixture::fail_run();
    refused(&fixture, held(&job, vec![complete("a"), super::fixture::release_run(), end])).await;
}

async fn a_change_of_a_run_that_does_not_exist_is_refused(fixture: Fixture) {
    let run_id = crate::RunId::generate();
    refused(&fixture, decision(run_id, Precondition::Absent, vec![super::fixture::cancel_run()])).await;
}

async fn an_error_does_not_affect_other_commits(fixture: Fixture) {
    let mut decisions = Vec::new();
    for number in 0..40 {
        let (_, job) = fixture.running().await;
        let mut changes = vec![complete("a"), super::fixture::release_run()];
        if number % 4 == 0 {
            changes.push(release("unknown"));
        }
        decisions.push((number, job.lease.run_id, held(&job, changes)));
    }
    let commits = decisions.into_iter().map(|(number, run_id, decision)| {
        let store = fixture.store.clone();
        tokio::spawn(async move { (number, run_id, store.commit(decision).await) })
    });
    for outcome in join_all(commits.collect::<Vec<_>>()).await {
        let (number, run_id, commit) = outcome.unwrap();
        let status = fixture.run(run_id).await.status;
        if number % 4 == 0 {
            assert_eq!(
                (commit.unwrap_err().code(), status),
                (crate::ErrorCode::StoreFailed, Status::Running)
            );
        } else {
            assert!(matches!(commit.unwrap(), Commit::Applied(_)));
            assert_eq!(status, Status::Completed);
        }
    }
}

async fn a_failed_precondition_does_not_affect_other_commits(fixture: Fixture) {
    let mut commits = Vec::new();
    for number in 0..40 {
        let (run_id, job) = fixture.running().await;
        let lease = if number % 4 == 0 { stale(&job) } else { job.lease };
        let changes = vec![complete("a"), super::fixture::release_run()];
        let decision = decision(run_id, Precondition::Lease(lease), changes);
        let store = fixture.store.clone();
        commits.push((number, run_id, tokio::spawn(async move { store.commit(decision).await })));
    }
    for (number, run_id, commit) in commits {
        let commit = commit.await.unwrap().unwrap();
        let status = fixture.run(run_id).await.status;
        if number % 4 == 0 {
            assert_eq!((commit, status), (Commit::PreconditionFailed, Status::Running));
            assert_eq!(fixture.event_names(run_id).await.len(), 3);
        } else {
            assert_eq!(status, Status::Completed);
        }
    }
}

async fn a_locked_commit_decides_from_the_current_state(fixture: Fixture) {
    let run_id = fixture.create().await;
    fixture.start(run_id, &[("a", 0)], 1).await;
    let adders = (0..16).map(|_| {
        let store = fixture.store.clone();
        tokio::spawn(async move {
            let decide = move |snapshot: Option<&crate::ports::Snapshot>| {
                let snapshot = snapshot?;
                assert_eq!((snapshot.stages.len(), snapshot.jobs.len()), (1, 1));
                let revision = crate::ports::Revision {
                    version: snapshot.run.version,
                    last_sequence: snapshot.run.last_sequence,
                };
                let progress =
                    Change::Progress { stage_key: "a".into(), fraction: 0.5, message: String::new() };
                Some(decision(run_id, Precondition::Revision(revision), vec![progress]))
            };
            store.commit_locked(run_id, Box::new(decide)).await.unwrap()
        })
    });
    for commit in join_all(adders.collect::<Vec<_>>()).await {
        assert!(matches!(commit.unwrap(), Commit::Applied(_)), "under the lock a precondition cannot fail");
    }
    assert_eq!(fixture.event_names(run_id).await.len(), 18);
}

async fn a_locked_commit_without_a_decision_writes_nothing(fixture: Fixture) {
    let run_id = fixture.diamond().await;
    let before = fixture.snapshot(run_id).await;
    let expected = before.clone();
    let decide = move |snapshot: Option<&crate::ports::Snapshot>| {
        assert_eq!(snapshot, Some(&expected));
        None
    };
    assert_eq!(
        fixture.store.commit_locked(run_id, Box::new(decide)).await.unwrap(),
        Commit::PreconditionFailed
    );
    assert_eq!(fixture.snapshot(run_id).await, before);
}

async fn a_locked_commit_may_find_no_run(fixture: Fixture) {
    let run_id = crate::RunId::generate();
    let decide = move |snapshot: Option<&crate::ports::Snapshot>| {
        assert_eq!(snapshot, None);
        Some(decision(run_id, Precondition::Absent, vec![Change::CreateRun(super::fixture::new_run())]))
    };
    let commit = fixture.store.commit_locked(run_id, Box::new(decide)).await.unwrap();
    assert!(matches!(commit, Commit::Applied(_)));
    assert_eq!(fixture.run(run_id).await.status, Status::Pending);
}

async fn a_panic_while_deciding_leaves_the_store_usable(fixture: Fixture) {
    let run_id = fixture.diamond().await;
    let before = fixture.snapshot(run_id).await;
    let store = fixture.store.clone();
    let panicking = tokio::spawn(async move {
        store.commit_locked(run_id, Box::new(|_| panic!("a deliberate defect of the kernel"))).await
    });
    // A store may pass the panic on to the caller or return an error.
    assert!(!matches!(panicking.await, Ok(Ok(_))));
    assert_eq!(fixture.snapshot(run_id).await, before);
    let job = fixture.claim("worker").await;
    fixture.complete(&job, &["b", "c"]).await;
    assert_eq!(fixture.claim_up_to("worker", 10).await.len(), 2);
}
