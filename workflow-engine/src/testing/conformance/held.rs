//! Cases about jobs that a worker claims in the commit that makes them ready. A store may keep such a job without a row of
//! its own, which no one may notice.

use std::time::Duration;

use super::fixture::{
    ATTEMPTS, DEFINITION, Fixture, LEASE, cancel_run, claim, complete, decision, held, inline, new_run,
    new_stages, release_run, start_changes,
};
use crate::ports::{Applied, Change, Clock, Commit, Precondition, RerunStage};
use crate::records::{ClaimedJob, JobRecord, Lease, StageRecord, Status};
use crate::value::{Place, RunId, StageKey};

cases![
    a_held_stage_shows_its_record_and_its_job,
    a_stage_that_waits_shows_how_many_predecessors_are_left,
    more_stages_than_a_row_describes_are_held,
    a_lease_that_its_worker_never_renews_ends_although_it_renews_others,
    an_expired_lease_of_a_held_stage_is_taken_back,
    branches_of_two_workers_join_in_either_order,
    a_worker_that_holds_nothing_any_more_leaves_the_run_to_the_next,
    stages_that_never_began_are_cancelled_and_run_again,
    an_immediate_retry_raises_epoch_and_attempt,
    what_a_held_stage_writes_is_kept,
];

/// Makes a change that releases a stage to `worker`.
fn release_to(stage: &str, worker: &str) -> Change {
    let stage_key = stage.into();
    Change::Release { stage_key, max_attempts: ATTEMPTS, max_crashes: 3, claim: Some(claim(worker)) }
}

/// Creates and starts a run in one commit, which claims its first stages for `worker`.
async fn started(fixture: &Fixture, stages: &[(&str, u32)], worker: &str) -> (RunId, Applied) {
    let run_id = RunId::generate();
    let mut changes = vec![Change::CreateRun(new_run())];
    changes.extend(start_changes(stages, 1));
    for change in &mut changes {
        if let Change::Enqueue { claim: claimant, .. } = change {
            *claimant = Some(claim(worker));
        }
    }
    (run_id, fixture.apply(decision(run_id, Precondition::Absent, changes)).await)
}

/// Starts `a >> [b, c] >> d` and completes `a`; `worker` claims `b` and `c`.
async fn forked(fixture: &Fixture, worker: &str) -> (RunId, ClaimedJob, ClaimedJob) {
    let (run_id, applied) =
        started(fixture, &[("a", 0), ("b", 1), ("c", 1), ("d", 2)], worker).await;
    let changes = vec![complete("a"), release_to("b", worker), release_to("c", worker)];
    let mut claimed = fixture.apply(held(&applied.claimed[0], changes)).await.claimed;
    let (c, b) = (claimed.pop().unwrap(), claimed.pop().unwrap());
    (run_id, b, c)
}

async fn a_held_stage_shows_its_record_and_its_job(fixture: Fixture) {
    let (run_id, b, _) = forked(&fixture, "worker").await;
    let now = fixture.clock.now();
    let job = JobRecord {
        run_id,
        stage_id: "b".into(),
        place: Place::default(),
        workflow_id: "workflow".into(),
        definition_fingerprint: DEFINITION.into(),
        generation: 1,
        status: Status::Running,
        priority: 5,
        attempt: 1,
        max_attempts: ATTEMPTS,
        crashes: 0,
        max_crashes: 3,
        lease_epoch: b.lease.epoch,
        worker_id: Some("worker".into()),
        leased_until: Some(now + LEASE),
        run_at: now,
        woken: false,
    };
    assert_eq!(fixture.job(run_id, "b").await, Some(job));
    let stage = fixture.stage(run_id, "b").await;
    let [_, plan, ..] = &new_stages(&[("a", 0), ("b", 1)])[..] else { panic!("two stages") };
    let expected = StageRecord {
        status: Status::Running,
        attempt: 1,
        waiting_on: 0,
        started_at: Some(now),
        output: None,
        completed_at: None,
        ..fixture.stage(run_id, "a").await
    };
    let expected = StageRecord {
        stage_id: "b".into(),
        stage_name: plan.stage_name.clone(),
        stage_number: 2,
        execution_group: 2,
        ..expected
    };
    assert_eq!(stage, expected);
    assert_eq!(fixture.store.stage(run_id, &"b".into()).await.unwrap(), Some(stage));
    assert_eq!(fixture.store.stage(run_id, &"e".into()).await.unwrap(), None);
    assert_eq!(fixture.snapshot(run_id).await.jobs.len(), 2);
    assert_eq!(fixture.store.lease_holders().await.unwrap(), ["worker"]);
    assert_eq!(fixture.store.next_lease_end().await.unwrap(), Some(now + LEASE));
    assert!(fixture.store.stuck_runs(&[DEFINITION.into()], Duration::ZERO, 9).await.unwrap().is_empty());
    assert!(fixture.store.unclaimed_runs(&[], Duration::ZERO, 9).await.unwrap().is_empty());
}

async fn a_stage_that_waits_shows_how_many_predecessors_are_left(fixture: Fixture) {
    let (run_id, b, c) = forked(&fixture, "worker").await;
    let d = fixture.stage(run_id, "d").await;
    assert_eq!((d.status, d.waiting_on, d.attempt, d.stage_number), (Status::Pending, 2, 0, 4));
    fixture.apply(held(&b, vec![complete("b"), release_to("d", "worker")])).await;
    let d = fixture.stage(run_id, "d").await;
    assert_eq!((d.status, d.waiting_on), (Status::Pending, 1));
    assert_eq!(fixture.job(run_id, "d").await, None);
    let claimed = fixture.apply(held(&c, vec![complete("c"), release_to("d", "worker")])).await.claimed;
    assert_ended(&fixture.complete_run(&claimed[0]).await);
    let statuses = fixture.store.stages(run_id).await.unwrap();
    let order: Vec<_> = statuses.iter().map(|stage| (&*stage.stage_id, stage.status)).collect();
    assert_eq!(order, ["a", "b", "c", "d"].map(|id| (id, Status::Completed)));
}

fn assert_ended(commit: &Commit) {
    let Commit::Applied(applied) = commit else { panic!("{commit:?}") };
    assert_eq!(applied.ended, Some(Status::Completed));
    assert!(applied.claimed.is_empty() && applied.ready.is_empty(), "{applied:?}");
}

async fn more_stages_than_a_row_describes_are_held(fixture: Fixture) {
    for count in [31, 32, 40] {
        let ids: Vec<String> = (0..count).map(|number| format!("s{number:02}")).collect();
        let mut stages: Vec<(&str, u32)> = ids.iter().map(|id| (id.as_str(), 0)).collect();
        stages.push(("join", count));
        let (run_id, applied) = started(&fixture, &stages, "worker").await;
        assert_eq!(applied.claimed.len(), ids.len());
        let leases: Vec<Lease> = applied.claimed.iter().map(|job| job.lease.clone()).collect();
        assert_eq!(fixture.store.lost_leases(leases.clone()).await.unwrap(), []);
        let (first, others) = applied.claimed.split_first().unwrap();
        for job in others {
            fixture.apply(held(job, vec![complete(&job.lease.stage_key), release_to("join", "worker")])).await;
        }
        assert_eq!(fixture.store.lost_leases(leases.clone()).await.unwrap(), leases[1..]);
        let last = vec![complete(&first.lease.stage_key), release_to("join", "worker")];
        let claimed = fixture.apply(held(first, last)).await.claimed;
        assert_ended(&fixture.complete_run(&claimed[0]).await);
        assert!(fixture.snapshot(run_id).await.jobs.is_empty());
        assert_eq!(fixture.run(run_id).await.status, Status::Completed);
    }
}

/// The answer to a claim may be lost while the same worker keeps the leases of other stages of the run.
async fn a_lease_that_its_worker_never_renews_ends_although_it_renews_others(fixture: Fixture) {
    let (run_id, b, c) = forked(&fixture, "worker").await;
    for _ in 0..3 {
        fixture.clock.advance(LEASE / 3);
        assert_eq!(fixture.store.renew_leases(vec![b.lease.clone()], LEASE).await.unwrap(), []);
    }
    let stale = fixture.store.stale_jobs(&[], 9).await.unwrap();
    assert_eq!(stale.iter().map(|job| &*job.stage_id).collect::<Vec<_>>(), ["c"], "G5: it is claimable again");
    let back = Change::RecordCrash { stage_key: "c".into(), error: "lost".into() };
    fixture.apply(decision(run_id, Precondition::ExpiredLease(c.lease.clone()), vec![back])).await;
    let taken = fixture.claim("other").await;
    assert_eq!(taken.lease.stage_key, "c");
    assert!(taken.lease.epoch > c.lease.epoch, "G4: the fence rises");
    assert_eq!(fixture.complete(&c, &[]).await, Commit::PreconditionFailed, "G4: the lost claim is fenced off");
    assert_eq!(fixture.store.lost_leases(vec![b.lease.clone(), c.lease.clone()]).await.unwrap(), [c.lease]);
    fixture.apply(held(&b, vec![complete("b"), release_to("d", "worker")])).await;
    let last = fixture.apply(held(&taken, vec![complete("c"), release_to("d", "other")])).await.claimed;
    assert_ended(&fixture.complete_run(&last[0]).await);
}

async fn an_expired_lease_of_a_held_stage_is_taken_back(fixture: Fixture) {
    let (run_id, b, c) = forked(&fixture, "worker").await;
    let reap = |job: &ClaimedJob, error: &str| {
        let stage_key = job.lease.stage_key.clone();
        let back = Change::RecordCrash { stage_key, error: error.into() };
        decision(run_id, Precondition::ExpiredLease(job.lease.clone()), vec![back])
    };
    assert_eq!(fixture.commit(reap(&b, "early")).await, Commit::PreconditionFailed);
    fixture.clock.advance(LEASE);
    assert_eq!(fixture.store.stale_jobs(&[], 9).await.unwrap().len(), 2);
    assert_eq!(fixture.store.stale_jobs(&[], 1).await.unwrap().len(), 1);
    fixture.apply(reap(&b, "lost")).await;
    let (stage, job) = (fixture.stage(run_id, "b").await, fixture.job(run_id, "b").await.unwrap());
    assert_eq!((stage.status, stage.error_message.as_deref()), (Status::Pending, Some("lost")));
    assert_eq!((job.status, job.attempt, job.crashes, job.lease_epoch), (Status::Pending, 1, 1, b.lease.epoch));
    // Its sibling may still commit, because no one has taken it back yet.
    fixture.apply(held(&c, vec![complete("c")])).await;
    assert!(fixture.store.stale_jobs(&[], 9).await.unwrap().is_empty());
    let again = fixture.claim("other").await;
    assert_eq!((again.attempt, again.crashes, again.lease.epoch), (2, 1, b.lease.epoch + 1));
}

async fn branches_of_two_workers_join_in_either_order(fixture: Fixture) {
    for is_other_first in [true, false] {
        let (run_id, applied) =
            started(&fixture, &[("a", 0), ("b", 1), ("c", 1), ("d", 2)], "worker").await;
        let queued = Change::Release { stage_key: "c".into(), max_attempts: 3, max_crashes: 3, claim: None };
        let changes = vec![complete("a"), release_to("b", "worker"), queued];
        let b = fixture.apply(held(&applied.claimed[0], changes)).await.claimed.remove(0);
        let c = fixture.claim("other").await;
        let mut holders = fixture.store.lease_holders().await.unwrap();
        holders.sort_unstable();
        assert_eq!(holders, ["other", "worker"]);
        let mut branches = [(b, "worker"), (c, "other")];
        if is_other_first {
            branches.reverse();
        }
        let mut claimed = Vec::new();
        for (job, worker) in &branches {
            let changes = vec![complete(&job.lease.stage_key), release_to("d", worker)];
            claimed = fixture.apply(held(job, changes)).await.claimed;
        }
        let d = fixture.job(run_id, "d").await.unwrap();
        assert_eq!(d.worker_id.as_deref(), Some(branches[1].1), "the last branch claims the join");
        assert_eq!(fixture.store.lease_holders().await.unwrap(), [branches[1].1]);
        assert_ended(&fixture.complete_run(&claimed[0]).await);
        assert!(fixture.store.lease_holders().await.unwrap().is_empty());
    }
}

async fn a_worker_that_holds_nothing_any_more_leaves_the_run_to_the_next(fixture: Fixture) {
    let (run_id, b, c) = forked(&fixture, "worker").await;
    for job in [&b, &c] {
        let stage_key = job.lease.stage_key.clone();
        let back = Change::ReturnJob { stage_key, reason: "the worker stops".into() };
        fixture.apply(held(job, vec![back])).await;
    }
    assert!(fixture.store.lease_holders().await.unwrap().is_empty());
    assert_eq!(fixture.store.lost_leases(vec![b.lease.clone()]).await.unwrap(), [b.lease]);
    let claimed = fixture.claim_up_to("next", 9).await;
    assert_eq!(claimed.iter().map(|job| job.attempt).collect::<Vec<_>>(), [1, 1], "no attempt was counted");
    let mut last = Vec::new();
    for job in &claimed {
        last = fixture
            .apply(held(job, vec![complete(&job.lease.stage_key), release_to("d", "next")]))
            .await
            .claimed;
    }
    assert_eq!(fixture.store.stale_jobs(&["next".into()], 9).await.unwrap().len(), 1);
    assert!(fixture.store.stale_jobs(&["worker".into()], 9).await.unwrap().is_empty());
    assert_ended(&fixture.complete_run(&last[0]).await);
    assert_eq!(fixture.run(run_id).await.active, 0);
}

async fn stages_that_never_began_are_cancelled_and_run_again(fixture: Fixture) {
    let (run_id, b, _) = forked(&fixture, "worker").await;
    let cancels = ["b", "c", "d"].map(|stage| Change::Cancel { stage_key: stage.into() });
    let revision = Precondition::Revision(fixture.revision(run_id).await);
    let changes = std::iter::once(cancel_run()).chain(cancels).collect();
    fixture.apply(decision(run_id, revision, changes)).await;
    assert_eq!(fixture.complete(&b, &[]).await, Commit::PreconditionFailed, "G8: nothing commits after it");
    assert_eq!(fixture.store.lost_leases(vec![b.lease.clone()]).await.unwrap(), [b.lease]);
    let statuses = |stages: Vec<StageRecord>| stages.iter().map(|stage| stage.status).collect::<Vec<_>>();
    let cancelled = Status::Cancelled;
    let stages = fixture.store.stages(run_id).await.unwrap();
    assert_eq!(statuses(stages), [Status::Completed, cancelled, cancelled, cancelled]);

    let again = [("b", 0), ("c", 0), ("d", 2)];
    let stages = again.map(|(id, waiting_on)| RerunStage { stage_key: id.into(), waiting_on }).to_vec();
    let revision = Precondition::Revision(fixture.revision(run_id).await);
    let mut changes = vec![Change::Rerun { stages, waiting_on: 1 }];
    for stage in ["b", "c"] {
        let (stage_key, claim) = (stage.into(), Some(claim("worker")));
        changes.push(Change::Enqueue { stage_key, max_attempts: ATTEMPTS, max_crashes: 3, claim });
    }
    let claimed = fixture.apply(decision(run_id, revision, changes)).await.claimed;
    assert_eq!(claimed.iter().map(|job| job.lease.generation).collect::<Vec<_>>(), [2, 2]);
    let stages = fixture.store.stages(run_id).await.unwrap();
    let generations: Vec<_> = stages.iter().map(|stage| stage.generation).collect();
    assert_eq!(generations, [1, 2, 2, 2]);
    assert_eq!(statuses(stages), [Status::Completed, Status::Running, Status::Running, Status::Pending]);
    let mut last = Vec::new();
    for job in &claimed {
        let changes = vec![complete(&job.lease.stage_key), release_to("d", "worker")];
        last = fixture.apply(held(job, changes)).await.claimed;
    }
    assert_ended(&fixture.complete_run(&last[0]).await);
}

async fn an_immediate_retry_raises_epoch_and_attempt(fixture: Fixture) {
    let (run_id, b, c) = forked(&fixture, "worker").await;
    let retry = Change::Retry { stage_key: "b".into(), error: "no".into(), delay: Duration::ZERO };
    let stage_keys = vec!["b".into()];
    let again = Change::ClaimQueued { stage_keys, claim: claim("worker"), room: 1 };
    let claimed = fixture.apply(held(&b, vec![retry, again])).await.claimed;
    assert_eq!((claimed[0].attempt, claimed[0].lease.epoch), (2, b.lease.epoch + 1));
    assert_eq!(fixture.complete(&b, &[]).await, Commit::PreconditionFailed, "G4: the first attempt is fenced off");
    let stage = fixture.stage(run_id, "b").await;
    assert_eq!((stage.status, stage.attempt, stage.error_message.as_deref()), (Status::Running, 2, Some("no")));
    let leases = vec![b.lease.clone(), claimed[0].lease.clone(), c.lease.clone()];
    assert_eq!(fixture.store.lost_leases(leases.clone()).await.unwrap(), leases[..1]);
    assert_eq!(fixture.store.renew_leases(leases.clone(), LEASE).await.unwrap(), leases[..1]);
    fixture.apply(held(&claimed[0], vec![complete("b")])).await;
    assert_eq!(fixture.stage(run_id, "b").await.error_message, None);
}

async fn what_a_held_stage_writes_is_kept(fixture: Fixture) {
    let (run_id, b, c) = forked(&fixture, "worker").await;
    let stage_key = || StageKey::from("b");
    let value = inline(&7);
    let artifact = Change::PutArtifact { stage_key: stage_key(), key: "k".into(), value: value.clone() };
    fixture.apply(held(&b, vec![artifact])).await;
    let artifacts = fixture.store.artifacts(run_id, None).await.unwrap();
    assert_eq!(artifacts.len(), 1, "a stage without a row has artifacts");
    assert!(fixture.store.artifact(run_id, &"b".into(), "k").await.unwrap().is_some());
    let metrics = || [("rows".to_owned(), 2.5)].into();
    let change = Change::RecordMetrics { stage_key: stage_key(), metrics: metrics() };
    fixture.apply(held(&b, vec![change])).await;
    assert_eq!(fixture.stage(run_id, "b").await.metrics, metrics());
    let progress = Change::Progress { stage_key: stage_key(), fraction: 0.5, message: "half".into() };
    fixture.apply(held(&b, vec![progress])).await;
    let raise = Change::SetBudget { stage_key: Some("d".into()), budget: crate::Cost::from_picodollars(9) };
    fixture.apply(decision(run_id, Precondition::Present, vec![raise])).await;
    let d = fixture.stage(run_id, "d").await;
    assert_eq!((d.waiting_on, d.spending.budget), (2, Some(crate::Cost::from_picodollars(9))));
    let leases = vec![b.lease.clone(), c.lease.clone()];
    assert_eq!(fixture.store.lost_leases(leases).await.unwrap(), []);
    for job in [&b, &c] {
        fixture.apply(held(job, vec![complete(&job.lease.stage_key), release_to("d", "worker")])).await;
    }
    assert_eq!(fixture.stage(run_id, "b").await.metrics, metrics());
    let d = fixture.stage(run_id, "d").await;
    assert_eq!((d.status, d.spending.budget), (Status::Running, Some(crate::Cost::from_picodollars(9))));
    let revision = Precondition::Revision(fixture.revision(run_id).await);
    let changes = vec![release_run()];
    assert!(matches!(fixture.commit(decision(run_id, revision, changes)).await, Commit::Applied(_)));
}
