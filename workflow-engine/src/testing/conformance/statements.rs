//! Cases about statements on the user's own tables. No table exists in every store, so these cases cover statements
//! that fail and statements that must not run.

use super::fixture::{Fixture, complete, decision, held, inline, release_run, stale};
use crate::ports::{Change, Commit, Precondition};
use crate::records::{Statement, Status};

cases![
    a_failed_statement_rolls_back_its_commit,
    a_failed_statement_does_not_affect_other_commits,
    statements_of_a_lost_lease_are_not_run,
];

/// A statement that fails when it runs.
fn impossible() -> Change {
    let statements = vec![Statement::new("INSERT INTO there_is_no_such_table (a) VALUES ($1)").bind(1)];
    Change::Execute { stage_key: "a".into(), statements }
}

fn is_refusal(error: &crate::Error) -> bool {
    ["STATEMENT_FAILED", "STATEMENTS_UNSUPPORTED"].contains(&error.code().as_str()) && !error.is_retryable()
}

async fn a_failed_statement_rolls_back_its_commit(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let before = fixture.snapshot(run_id).await;
    let put = Change::PutArtifact { stage_key: "a".into(), key: "x".into(), value: inline(&1) };
    let decision = held(&job, vec![put, impossible(), complete("a"), release_run()]);
    let error = fixture.store.commit(decision).await.unwrap_err();
    assert!(is_refusal(&error), "{error:?}");
    assert_eq!(fixture.snapshot(run_id).await, before);
    assert_eq!(fixture.event_names(run_id).await.len(), 3);
    assert!(fixture.store.artifacts(run_id, None).await.unwrap().is_empty());
    fixture.complete_run(&job).await;
    assert_eq!(fixture.run(run_id).await.status, Status::Completed, "the lease is still good");
}

async fn a_failed_statement_does_not_affect_other_commits(fixture: Fixture) {
    let mut jobs = Vec::new();
    for _ in 0..12 {
        jobs.push(fixture.running().await.1);
    }
    let commits = jobs.iter().enumerate().map(|(number, job)| {
        let mut changes = vec![complete("a"), release_run()];
        if number % 3 == 0 {
            changes.insert(0, impossible());
        }
        fixture.store.commit(held(job, changes))
    });
    let outcomes = futures_util::future::join_all(commits).await;
    for (number, outcome) in outcomes.into_iter().enumerate() {
        let status = fixture.run(jobs[number].lease.run_id).await.status;
        if number % 3 == 0 {
            assert!(is_refusal(&outcome.unwrap_err()));
            assert_eq!(status, Status::Running);
        } else {
            assert!(matches!(outcome.unwrap(), Commit::Applied(_)));
            assert_eq!(status, Status::Completed);
        }
    }
}

async fn statements_of_a_lost_lease_are_not_run(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let late = decision(run_id, Precondition::Lease(stale(&job)), vec![impossible(), complete("a")]);
    assert_eq!(fixture.commit(late).await, Commit::PreconditionFailed, "the precondition comes first");
    fixture.complete_run(&job).await;
}
