//! The timeline of a run.

use std::time::Duration;

use futures_util::TryStreamExt;
use tests::on_every_store;
use tests::registered::wait_until_registered;
use tests::world::World;
use workflow_engine::prelude::*;
use workflow_engine::records::{AttemptOutcome, EventKind, StageTimeline, Timeline, WaitReason};

#[stage(retry(max_attempts = 2, initial = "10s"))]
async fn fetch(number: u32, ctx: &StageContext) -> StageResult<u32> {
    if ctx.attempt() == 1 {
        return Err(StageError::retryable("no connection"));
    }
    Ok(number)
}

#[stage(check = answered, poll_every = "1h")]
async fn ask(number: u32) -> StageResult<u32> {
    Ok(number)
}

#[check]
async fn answered(ticket: &u32) -> StageResult<Check<u32>> {
    Ok(Check::Ready(*ticket))
}

#[stage]
async fn store(number: u32) -> StageResult<u32> {
    Ok(number)
}

workflow! { telling = fetch >> ask >> store }

/// Lets time pass where the run waits, until it ends after the event with this number. Returns the last event's number.
async fn finish(world: &World, run: &RunHandle<telling>, mut seen: u64) -> u64 {
    loop {
        let event = run.events_after(seen).try_next().await.unwrap().expect("the run ends");
        seen = event.sequence;
        match event.kind {
            kind if kind.ends_run() => return seen,
            EventKind::StageRetrying { .. } => world.clock.advance(Duration::from_secs(10)),
            EventKind::StageSuspended { .. } => world.clock.advance(Duration::from_secs(3_600)),
            _ => {}
        }
    }
}

fn waits(stage: &StageTimeline) -> Vec<(u32, WaitReason, Option<i64>)> {
    let waits = stage.waits.iter();
    waits
        .map(|wait| (wait.generation, wait.reason, wait.to.map(|to| (to - wait.from).num_seconds())))
        .collect()
}

async fn a_timeline_shows_attempts_waits_and_generations(world: World) {
    let engine = world.engine().register::<telling>().build().await.unwrap();
    wait_until_registered(&engine).await.unwrap();
    let run = engine.start::<telling>(FetchInput { number: 7 }).await.unwrap();
    let seen = finish(&world, &run, 0).await;
    run.rerun_from::<store>().await.unwrap();
    finish(&world, &run, seen).await;

    let timeline: Timeline = run.timeline().await.unwrap();
    assert_eq!((timeline.run_id, timeline.workflow_id.as_str()), (run.id(), "telling"));
    assert_eq!((timeline.status, timeline.is_complete), (Status::Completed, true));
    assert_eq!(timeline.last_sequence, run.record().await.unwrap().last_sequence);
    let generations: Vec<_> = timeline.generations.iter().map(|made| (made.number, made.status)).collect();
    assert_eq!(generations, [(1, Status::Completed), (2, Status::Completed)]);
    let ids: Vec<_> =
        timeline.stages.iter().map(|stage| (stage.stage_number, stage.stage_id.as_str())).collect();
    assert_eq!(ids, [(1, "fetch"), (2, "ask"), (3, "store")]);
    let [fetched, asked, stored] = &timeline.stages[..] else { panic!() };
    let outcomes: Vec<_> = fetched.attempts.iter().map(|attempt| attempt.outcome).collect();
    assert_eq!(outcomes, [AttemptOutcome::Retried, AttemptOutcome::Completed]);
    assert_eq!(waits(fetched), [(1, WaitReason::Backoff, Some(10))]);
    assert_eq!(waits(asked), [(1, WaitReason::External, Some(3_600))]);
    assert_eq!(stored.attempts.iter().map(|attempt| attempt.generation).collect::<Vec<_>>(), [1, 2]);
    for attempt in timeline.stages.iter().flat_map(|stage| &stage.attempts) {
        assert!(attempt.worker.is_some() && attempt.worker_id.is_some(), "{attempt:?}");
    }
    let text = serde_json::to_string(&timeline).unwrap();
    assert_eq!(serde_json::from_str::<Timeline>(&text).unwrap(), timeline);

    // A process without the code has the graph from the store.
    let other = world.engine().without_worker().build().await.unwrap();
    assert_eq!(other.any_run(run.id()).await.unwrap().timeline().await.unwrap(), timeline);
}

async fn a_stage_that_no_worker_takes_waits_for_one(world: World) {
    let engine = world.engine().register::<telling>().without_worker().build().await.unwrap();
    let run = engine.start::<telling>(FetchInput { number: 7 }).await.unwrap();
    let timeline = run.timeline().await.unwrap();
    assert_eq!((timeline.generations.len(), timeline.stages.len()), (0, 0), "it has not started");
    let claim = workflow_engine::kernel::ClaimPendingRuns { worker_id: "visitor".into(), limit: 1, slots: 0 };
    engine.dispatch(claim).await.unwrap();
    let timeline = run.timeline().await.unwrap();
    assert_eq!(waits(&timeline.stages[0]), [(1, WaitReason::Worker, None)]);
    assert!(timeline.stages[1].waits.is_empty(), "it is not ready");
    run.cancel("enough").await.unwrap();
    let timeline = run.timeline().await.unwrap();
    assert_eq!(timeline.generations[0].error.as_deref(), Some("enough"));
    run.delete().await.unwrap();
    assert!(run.timeline().await.unwrap_err().is_not_found());
}

on_every_store!(a_timeline_shows_attempts_waits_and_generations, a_stage_that_no_worker_takes_waits_for_one,);
