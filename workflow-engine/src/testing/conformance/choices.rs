//! Cases about choices and catches: the arm that is taken, the stages that are skipped, and failures that are kept.

use super::fixture::{
    Fixture, cancel_run, complete, decision, fail_run, held, json, release, release_run,
};
use crate::ports::{Change, Clock, Precondition, RerunStage};
use crate::records::{ClaimedJob, EventKind, Status};
use crate::value::{Place, RunId};

cases![
    a_chosen_arm_is_committed_with_the_outcome,
    a_skipped_stage_is_terminal_and_its_event_names_the_choice,
    a_run_completes_although_stages_were_skipped,
    a_skipped_stage_cannot_be_skipped_or_cancelled_again,
    a_stage_that_completed_cannot_be_skipped,
    a_lost_lease_neither_chooses_nor_skips,
    skipped_stages_survive_the_end_of_their_run,
    a_rerun_forgets_the_arm_and_the_skip,
    a_run_with_skipped_stages_is_not_stuck,
    two_releases_of_one_commit_count_twice,
    a_caught_failure_is_kept_and_leaves_no_job,
    a_rerun_forgets_a_caught_failure,
];

/// Starts a run of `match a { b, c } >> d`, and claims `a`.
async fn choosing(fixture: &Fixture) -> (RunId, ClaimedJob) {
    let run_id = fixture.create().await;
    fixture.start(run_id, &[("a", 0), ("b", 1), ("c", 1), ("d", 1)], 1).await;
    (run_id, fixture.claim("worker").await)
}

fn skip(stage: &str) -> Change {
    Change::Skip { stage_key: stage.into(), because: "a".into() }
}

/// Completes `a`, takes the arm of `b` and skips `c`.
fn take_the_first(job: &ClaimedJob) -> Vec<Change> {
    let choose = Change::Choose { stage_key: job.lease.stage_key.clone(), arm: 0 };
    vec![choose, complete("a"), skip("c"), release("b")]
}

async fn a_chosen_arm_is_committed_with_the_outcome(fixture: Fixture) {
    let (run_id, job) = choosing(&fixture).await;
    assert_eq!(fixture.stage(run_id, "a").await.arm, None);
    let changes = take_the_first(&job);
    fixture.apply(held(&job, changes)).await;
    let stage = fixture.stage(run_id, "a").await;
    assert_eq!((stage.status, stage.arm), (Status::Completed, Some(0)));
    let kinds: Vec<_> = fixture.events(run_id).await.into_iter().map(|event| event.kind).collect();
    let arm = kinds.iter().find_map(|kind| match kind {
        EventKind::StageCompleted { arm, .. } => Some(*arm),
        _ => None,
    });
    assert_eq!(arm, Some(Some(0)));
    assert_eq!(fixture.claim("worker").await.lease.stage_key, "b");
    let others = [fixture.stage(run_id, "b").await.arm, fixture.stage(run_id, "c").await.arm];
    assert_eq!(others, [None, None]);
}

async fn a_skipped_stage_is_terminal_and_its_event_names_the_choice(fixture: Fixture) {
    let (run_id, job) = choosing(&fixture).await;
    let changes = take_the_first(&job);
    fixture.apply(held(&job, changes)).await;
    let stage = fixture.stage(run_id, "c").await;
    assert_eq!((stage.status, stage.attempt, stage.output), (Status::Skipped, 0, None));
    assert_eq!((stage.started_at, stage.completed_at), (None, Some(fixture.clock.now())));
    assert_eq!(fixture.job(run_id, "c").await, None);
    let skipped = EventKind::StageSkipped {
        stage_id: "c".into(),
        place: Place::default(),
        stage_name: "Stage c".into(),
        because: "a".into(),
    };
    assert_eq!(fixture.events(run_id).await.last().unwrap().kind, skipped);
    let outputs = fixture.store.outputs(run_id, &["a".into(), "c".into()]).await.unwrap();
    assert_eq!(outputs.keys().collect::<Vec<_>>(), ["a"]);
}

async fn a_run_completes_although_stages_were_skipped(fixture: Fixture) {
    let (run_id, job) = choosing(&fixture).await;
    let changes = take_the_first(&job);
    fixture.apply(held(&job, changes)).await;
    let job = fixture.claim("worker").await;
    fixture.complete(&job, &["d"]).await;
    let job = fixture.claim("worker").await;
    assert_eq!(job.lease.stage_key, "d");
    fixture.apply(held(&job, vec![complete("d"), release_run()])).await;
    let run = fixture.run(run_id).await;
    assert_eq!((run.status, run.active, run.suspended), (Status::Completed, 0, 0));
    assert_eq!(fixture.stage(run_id, "c").await.status, Status::Skipped);
}

async fn a_skipped_stage_cannot_be_skipped_or_cancelled_again(fixture: Fixture) {
    let (run_id, job) = choosing(&fixture).await;
    let changes = take_the_first(&job);
    fixture.apply(held(&job, changes)).await;
    let before = fixture.snapshot(run_id).await;
    let job = fixture.claim("worker").await;
    for change in [skip("c"), Change::Cancel { stage_key: "c".into() }] {
        let refused = fixture.store.commit(held(&job, vec![change])).await;
        assert!(refused.is_err(), "G9: a stage becomes terminal once in a generation");
    }
    assert_eq!(fixture.snapshot(run_id).await.stages[2], before.stages[2]);
}

async fn a_stage_that_completed_cannot_be_skipped(fixture: Fixture) {
    let (run_id, job) = choosing(&fixture).await;
    fixture.complete(&job, &["b"]).await;
    let job = fixture.claim("worker").await;
    let refused = fixture.store.commit(held(&job, vec![skip("a"), complete("b")])).await;
    assert!(refused.is_err());
    let statuses = [fixture.stage(run_id, "a").await.status, fixture.stage(run_id, "b").await.status];
    assert_eq!(statuses, [Status::Completed, Status::Running], "nothing of the decision is written");
}

async fn a_lost_lease_neither_chooses_nor_skips(fixture: Fixture) {
    let (run_id, job) = choosing(&fixture).await;
    fixture.clock.advance(super::fixture::LEASE * 2);
    let reason = Change::ReturnJob { stage_key: "a".into(), reason: "its lease has expired".into() };
    fixture.apply(decision(run_id, Precondition::ExpiredLease(job.lease.clone()), vec![reason])).await;
    let other = fixture.claim("other").await;
    let changes = take_the_first(&job);
    let commit = fixture.commit(held(&job, changes)).await;
    assert_eq!(commit, crate::ports::Commit::PreconditionFailed, "G4: a lost lease writes nothing");
    let stage = fixture.stage(run_id, "a").await;
    assert_eq!((stage.status, stage.arm), (Status::Running, None));
    assert_eq!(fixture.stage(run_id, "c").await.status, Status::Pending);
    assert_eq!(other.lease.epoch, job.lease.epoch + 1);
}

async fn skipped_stages_survive_the_end_of_their_run(fixture: Fixture) {
    for end in [fail_run(), cancel_run()] {
        let (run_id, job) = choosing(&fixture).await;
        let changes = take_the_first(&job);
        fixture.apply(held(&job, changes)).await;
        let cancels = ["b", "d"].map(|stage| Change::Cancel { stage_key: stage.into() });
        let precondition = Precondition::Revision(fixture.revision(run_id).await);
        let changes = cancels.into_iter().chain([end]).collect();
        fixture.apply(decision(run_id, precondition, changes)).await;
        let stages = fixture.snapshot(run_id).await.stages;
        let statuses: Vec<Status> = stages.iter().map(|stage| stage.status).collect();
        let expected = [Status::Completed, Status::Cancelled, Status::Skipped, Status::Cancelled];
        assert_eq!(statuses, expected);
    }
}

async fn a_rerun_forgets_the_arm_and_the_skip(fixture: Fixture) {
    let (run_id, job) = choosing(&fixture).await;
    let changes = take_the_first(&job);
    fixture.apply(held(&job, changes)).await;
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    fixture.apply(decision(run_id, precondition, vec![cancel_run()])).await;
    let stages = [("a", 0), ("b", 1), ("c", 1), ("d", 1)];
    let stages = stages.map(|(stage, waiting_on)| RerunStage { stage_key: stage.into(), waiting_on });
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    let rerun = Change::Rerun { stages: stages.to_vec(), waiting_on: 1 };
    fixture.apply(decision(run_id, precondition, vec![rerun, super::fixture::enqueue("a")])).await;
    for stage in fixture.snapshot(run_id).await.stages {
        assert_eq!((stage.status, stage.arm, stage.completed_at), (Status::Pending, None, None), "{stage:?}");
    }
    assert_eq!(fixture.claim("worker").await.lease.generation, 2);
}

async fn a_run_with_skipped_stages_is_not_stuck(fixture: Fixture) {
    let (_, job) = choosing(&fixture).await;
    let changes = take_the_first(&job);
    fixture.apply(held(&job, changes)).await;
    let hour = std::time::Duration::from_secs(3_600);
    fixture.clock.advance(hour);
    let stuck = fixture.store.stuck_runs(&super::fixture::definitions(), hour / 2, 10).await.unwrap();
    assert!(stuck.is_empty(), "`b` has a job, and `c` needs none: {stuck:?}");
}

/// The commit of a matched stage counts for the branches that a narrower arm lacks.
async fn two_releases_of_one_commit_count_twice(fixture: Fixture) {
    let run_id = fixture.create().await;
    fixture.start(run_id, &[("a", 0), ("b", 3)], 1).await;
    let job = fixture.claim("worker").await;
    fixture.apply(held(&job, vec![complete("a"), release("b"), release("b")])).await;
    assert_eq!(fixture.stage(run_id, "b").await.waiting_on, 1);
    assert_eq!(fixture.job(run_id, "b").await, None);
}

/// Fails `a`, whose failure `b` keeps, and releases `d`. `c` is cancelled.
async fn catch_a(fixture: &Fixture) -> RunId {
    let run_id = fixture.create().await;
    fixture.start(run_id, &[("a", 0), ("b", 2), ("c", 0), ("d", 1)], 1).await;
    let jobs = fixture.claim_up_to("worker", 2).await;
    let job = jobs.iter().find(|job| job.lease.stage_key == "a").unwrap();
    let changes = vec![
        Change::Fail { stage_key: "a".into(), error: "no".into() },
        Change::Catch { stage_key: "b".into(), failed: "a".into(), failure: json("because") },
        Change::Cancel { stage_key: "c".into() },
        skip("b"),
        Change::Recount { active: 0, suspended: 0 },
        release("d"),
    ];
    let precondition = Precondition::LeaseAndRevision(job.lease.clone(), fixture.revision(run_id).await);
    fixture.apply(decision(run_id, precondition, changes)).await;
    run_id
}

async fn a_caught_failure_is_kept_and_leaves_no_job(fixture: Fixture) {
    let run_id = catch_a(&fixture).await;
    let snapshot = fixture.snapshot(run_id).await;
    let stages: Vec<_> = snapshot.stages.iter().map(|stage| (stage.status, stage.failure.clone())).collect();
    assert_eq!(
        stages,
        [
            (Status::Failed, None),
            (Status::Skipped, Some(json("because"))),
            (Status::Cancelled, None),
            (Status::Pending, None),
        ]
    );
    let jobs: Vec<&str> = snapshot.jobs.iter().map(|job| job.stage_id.as_str()).collect();
    assert_eq!(jobs, ["d"], "a caught failure is no dead letter");
    assert_eq!((snapshot.run.status, snapshot.run.active), (Status::Running, 1));
    assert_eq!(fixture.claim("worker").await.lease.stage_key, "d");
}

async fn a_rerun_forgets_a_caught_failure(fixture: Fixture) {
    let run_id = catch_a(&fixture).await;
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    let changes = vec![Change::Cancel { stage_key: "d".into() }, cancel_run()];
    fixture.apply(decision(run_id, precondition, changes)).await;
    let stages = [("a", 0), ("b", 2), ("c", 0), ("d", 1)];
    let stages = stages.map(|(stage, waiting_on)| RerunStage { stage_key: stage.into(), waiting_on });
    let precondition = Precondition::Revision(fixture.revision(run_id).await);
    let rerun = Change::Rerun { stages: stages.to_vec(), waiting_on: 1 };
    fixture.apply(decision(run_id, precondition, vec![rerun])).await;
    for stage in fixture.snapshot(run_id).await.stages {
        assert_eq!((stage.status, stage.failure), (Status::Pending, None));
    }
}
