//! Cases about concurrent commits, claims and reads.

use std::collections::HashSet;

use futures_util::future::join_all;

use super::fixture::{Fixture, cancel_run, complete, decision, held, new_run, release_run};
use crate::ports::{Change, Commit, NewRun, Precondition, Snapshot};
use crate::records::{ClaimedJob, Status};

cases![
    sequences_are_gapless_under_many_committers,
    a_join_is_ready_exactly_once,
    two_claims_never_take_the_same_job,
    a_run_ends_once,
    a_cancelled_run_accepts_no_late_completion,
    a_completion_is_applied_once,
    a_snapshot_shows_one_state,
];

/// The commit numbers the events, so the sequence numbers of one run never collide (G7).
async fn sequences_are_gapless_under_many_committers(fixture: Fixture) {
    let run_id = fixture.create().await;
    let names: Vec<String> = (0..16).map(|number| format!("s{number:02}")).collect();
    let stages: Vec<(&str, u32)> = names.iter().map(|name| (name.as_str(), 0)).collect();
    fixture.start(run_id, &stages, 16).await;
    let committers = fixture.claim_up_to("worker", 16).await.into_iter().map(|job| {
        let fixture = fixture.clone();
        tokio::spawn(async move {
            for step in 0..10_u8 {
                let progress = Change::Progress {
                    stage_key: job.lease.stage_key.clone(),
                    fraction: f64::from(step) / 10.0,
                    message: String::new(),
                };
                fixture.apply(held(&job, vec![progress])).await;
            }
            fixture.complete(&job, &[]).await;
        })
    });
    for committer in join_all(committers.collect::<Vec<_>>()).await {
        committer.unwrap();
    }
    // Two events of the run, and twelve of each stage: its start, ten steps and its end.
    assert_eq!(fixture.event_names(run_id).await.len(), 2 + 16 * 12);
}

/// Two transitions that both see the join complete would queue it twice (trap 3).
async fn a_join_is_ready_exactly_once(fixture: Fixture) {
    const BRANCHES: u32 = 24;
    let run_id = fixture.create().await;
    let names: Vec<String> = (0..BRANCHES).map(|number| format!("b{number:02}")).collect();
    let mut stages: Vec<(&str, u32)> = names.iter().map(|name| (name.as_str(), 0)).collect();
    stages.push(("join", BRANCHES));
    fixture.start(run_id, &stages, 1).await;
    let branches = fixture.claim_up_to("worker", 100).await;
    assert_eq!(branches.len(), BRANCHES as usize);
    let commits = branches.into_iter().map(|job| {
        let fixture = fixture.clone();
        tokio::spawn(async move {
            match fixture.complete(&job, &["join"]).await {
                Commit::Applied(applied) => applied.ready.len(),
                other => panic!("completions commute: {other:?}"),
            }
        })
    });
    let ready: usize = join_all(commits.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap).sum();
    assert_eq!(ready, 1);
    let due = fixture.claim_up_to("worker", 100).await;
    assert_eq!(due.len(), 1);
    assert_eq!(due[0].lease.stage_key, "join");
    fixture.event_names(run_id).await;
}

async fn two_claims_never_take_the_same_job(fixture: Fixture) {
    let mut runs = Vec::new();
    for _ in 0..60 {
        runs.push(fixture.single().await);
    }
    let claimers = (0..8).map(|number| {
        let fixture = fixture.clone();
        tokio::spawn(async move {
            let mut all: Vec<ClaimedJob> = Vec::new();
            loop {
                let claimed = fixture.claim_up_to(&format!("worker-{number}"), 3).await;
                if claimed.is_empty() {
                    return all;
                }
                all.extend(claimed);
            }
        })
    });
    let claimed: Vec<ClaimedJob> =
        join_all(claimers.collect::<Vec<_>>()).await.into_iter().flat_map(Result::unwrap).collect();
    let distinct: HashSet<_> = claimed.iter().map(|job| job.lease.run_id).collect();
    assert_eq!((claimed.len(), distinct.len()), (60, 60));
    assert!(claimed.iter().all(|job| job.lease.epoch == 1));
    for run_id in runs {
        let expected = ["workflow:created", "workflow:started", "stage:started"];
        assert_eq!(fixture.event_names(run_id).await, expected);
    }
}

async fn a_run_ends_once(fixture: Fixture) {
    for _ in 0..10 {
        let run_id = fixture.create().await;
        fixture.start(run_id, &[("a", 0), ("b", 0)], 2).await;
        let commits = fixture.claim_up_to("worker", 2).await.into_iter().map(|job| {
            let fixture = fixture.clone();
            let changes = vec![complete(&job.lease.stage_key), Change::ReleaseRun { output: None, stages: Vec::new() }];
            tokio::spawn(async move { fixture.apply(held(&job, changes)).await })
        });
        let ended = join_all(commits.collect::<Vec<_>>()).await;
        let ended = ended.into_iter().filter(|applied| applied.as_ref().unwrap().ended.is_some()).count();
        assert_eq!(ended, 1);
        let names = fixture.event_names(run_id).await;
        assert_eq!(names.iter().filter(|name| **name == "workflow:completed").count(), 1);
        assert_eq!(*names.last().unwrap(), "workflow:completed");
    }
}

/// After a cancel has committed, nothing of that generation commits (G8): neither a completion of a cancelled run
/// (trap 4), nor a cancellation of a completed one.
async fn a_cancelled_run_accepts_no_late_completion(fixture: Fixture) {
    for _ in 0..20 {
        let (run_id, job) = fixture.running().await;
        let completing = {
            let (fixture, job) = (fixture.clone(), job.clone());
            tokio::spawn(async move { fixture.complete_run(&job).await })
        };
        let cancelling = {
            let store = fixture.store.clone();
            let decide = move |snapshot: Option<&Snapshot>| {
                let run = &snapshot?.run;
                if run.status.is_terminal() {
                    return None;
                }
                let revision =
                    crate::ports::Revision { version: run.version, last_sequence: run.last_sequence };
                let changes = vec![Change::Cancel { stage_key: "a".into() }, cancel_run()];
                Some(decision(run_id, Precondition::Revision(revision), changes))
            };
            tokio::spawn(async move { store.commit_locked(run_id, Box::new(decide)).await.unwrap() })
        };
        let outcomes = (completing.await.unwrap(), cancelling.await.unwrap());
        let run = fixture.run(run_id).await;
        let stage = fixture.stage(run_id, "a").await;
        match outcomes {
            (Commit::Applied(_), Commit::PreconditionFailed) => {
                assert_eq!((run.status, stage.status), (Status::Completed, Status::Completed));
            }
            (Commit::PreconditionFailed, Commit::Applied(_)) => {
                assert_eq!((run.status, stage.status), (Status::Cancelled, Status::Cancelled));
                assert_eq!(stage.output, None);
            }
            other => panic!("exactly one of the two is applied: {other:?}"),
        }
        assert_eq!(fixture.complete_run(&job).await, Commit::PreconditionFailed);
        fixture.event_names(run_id).await;
    }
}

/// The same outcome is committed several times concurrently (trap 3).
async fn a_completion_is_applied_once(fixture: Fixture) {
    let (run_id, job) = fixture.running().await;
    let commits = (0..8).map(|_| {
        let (fixture, job) = (fixture.clone(), job.clone());
        let changes = vec![complete("a"), release_run()];
        tokio::spawn(async move { fixture.commit(held(&job, changes)).await })
    });
    let commits = join_all(commits.collect::<Vec<_>>()).await;
    let applied = commits.iter().filter(|commit| matches!(commit, Ok(Commit::Applied(_)))).count();
    assert_eq!(applied, 1, "G2: the commit of a stage happens once");
    let names = fixture.event_names(run_id).await;
    assert_eq!(names[3..], ["stage:completed", "workflow:completed"]);
}

/// A reader never sees part of a commit.
async fn a_snapshot_shows_one_state(fixture: Fixture) {
    let run_id = fixture.create_as(NewRun { priority: 7, ..new_run() }).await;
    let names: Vec<String> = (0..30).map(|number| format!("s{number:02}")).collect();
    let stages: Vec<(&str, u32)> =
        (0..).zip(&names).map(|(at, name)| (name.as_str(), u32::from(at > 0))).collect();
    fixture.start(run_id, &stages, 1).await;
    let writer = {
        let fixture = fixture.clone();
        let names = names.clone();
        tokio::spawn(async move {
            for next in 1..=names.len() {
                let job = fixture.claim("worker").await;
                match names.get(next) {
                    Some(next) => fixture.complete(&job, &[next]).await,
                    None => fixture.complete_run(&job).await,
                };
            }
        })
    };
    let mut reads = 0;
    loop {
        let snapshot = fixture.snapshot(run_id).await;
        let open: Vec<_> = snapshot
            .stages
            .iter()
            .filter(|stage| stage.waiting_on == 0 && !stage.status.is_terminal())
            .collect();
        reads += 1;
        if snapshot.run.status == Status::Completed {
            assert!(open.is_empty() && snapshot.jobs.is_empty());
            break;
        }
        assert_eq!((open.len(), snapshot.jobs.len()), (1, 1), "one stage is open at any time");
        assert_eq!(open[0].stage_id, snapshot.jobs[0].stage_id);
        assert_eq!((open[0].status, open[0].attempt), (snapshot.jobs[0].status, snapshot.jobs[0].attempt));
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
    assert!(reads > 0);
}
