//! Delays between stages: what follows starts later, and costs nothing until then.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tests::events::{names, wait_for};
use tests::on_every_store;
use tests::world::World;
use workflow_engine::ErrorCode;
use workflow_engine::prelude::*;
use workflow_engine::records::{EventKind, WaitReason};

const DAY: Duration = Duration::from_secs(86_400);

#[stage]
async fn file(number: u32) -> StageResult<u32> {
    Ok(number)
}

#[stage]
async fn archive(number: u32) -> StageResult<u32> {
    Ok(number * 10)
}

workflow! { keeping = file >> delay("7d") >> archive }

#[stage]
async fn count(number: u32) -> StageResult<u32> {
    Ok(number + 1)
}

#[stage]
async fn sum(filed: u32, counted: u32) -> StageResult<u32> {
    Ok(filed + counted)
}

workflow! { joining(FileInput) = delay("1d") >> [file, delay("2h") >> count] >> delay("30m") >> sum }

impl From<FileInput> for CountInput {
    fn from(input: FileInput) -> Self {
        Self { number: input.number }
    }
}

#[stage]
async fn weigh(number: u32) -> StageResult<Option<u32>> {
    Ok((number > 9).then_some(number))
}

#[stage(retry(max_attempts = 1))]
async fn refuse(number: u32) -> StageResult<u32> {
    Err(StageError::permanent(format!("{number} is refused")))
}

#[stage]
async fn tell(refused: Result<u32, StageFailure>) -> StageResult<u32> {
    Ok(refused.unwrap_or(99))
}

workflow! {
    branching = match weigh { Some(number) => delay("1h") >> archive, None => () };
    catching = catch(delay("1h") >> refuse) >> delay("2h") >> tell
}

async fn due(world: &World, fingerprint: &str) -> Option<DateTime<Utc>> {
    world.store.next_job_due(&[fingerprint.to_owned()]).await.unwrap()
}

/// Waits until the only thing to do is due at `instant`.
async fn wait_until_due(world: &World, fingerprint: &str, instant: DateTime<Utc>) {
    while due(world, fingerprint).await != Some(instant) {
        tokio::task::yield_now().await;
    }
}

async fn a_stage_after_a_delay_starts_that_much_later(world: World) {
    let engine = world.engine().register::<keeping>().build().await.unwrap();
    let start = world.clock_now();
    let run = engine.start::<keeping>(FileInput { number: 7 }).await.unwrap();
    wait_for(&run, |kind| matches!(kind, EventKind::StageCompleted { .. })).await;
    let fingerprint = keeping::definition().fingerprint();
    assert_eq!(due(&world, fingerprint).await, Some(start + 7 * DAY));
    let blocked = run.blocked_reason().await.unwrap().expect("it waits");
    assert_eq!(blocked.code(), ErrorCode::NotDue);
    let expected = format!(
        "stage `archive` of run {} waits until {}: a `delay` is before it",
        run.id(),
        (start + 7 * DAY).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
    );
    assert_eq!(blocked.to_string(), expected);
    let timeline = run.timeline().await.unwrap();
    let waits: Vec<_> =
        timeline.stages[1].waits.iter().map(|wait| (wait.reason, wait.from, wait.to)).collect();
    let end = start + 7 * DAY;
    assert_eq!(waits, [(WaitReason::Delay, start, Some(end)), (WaitReason::Worker, end, None)]);

    // The process ends, and another one runs the stage when it is due.
    let id = run.id();
    engine.drain().await;
    drop((run, engine));
    world.clock.advance(6 * DAY);
    let engine = world.engine().register::<keeping>().build().await.unwrap();
    let run = engine.run_handle::<keeping>(id).await.unwrap();
    assert_eq!(run.status().await.unwrap(), Status::Running);
    world.clock.advance(DAY);
    assert_eq!(run.output().await.unwrap(), 70);
    assert_eq!(
        names(&run).await,
        [
            "workflow:created",
            "workflow:started",
            "stage:started",
            "stage:completed",
            "stage:started",
            "stage:completed",
            "workflow:completed",
        ],
        "a delay has no event"
    );
    let timeline = run.timeline().await.unwrap();
    let waits: Vec<_> =
        timeline.stages[1].waits.iter().map(|wait| (wait.reason, wait.from, wait.to)).collect();
    assert_eq!(waits, [(WaitReason::Delay, start, Some(end))]);
    assert!(run.blocked_reason().await.unwrap().is_none());
}

async fn a_delay_stands_at_the_start_in_a_branch_and_after_a_group(world: World) {
    let engine = world.engine().register::<joining>().build().await.unwrap();
    let start = world.clock_now();
    let run = engine.start::<joining>(FileInput { number: 7 }).await.unwrap();
    let fingerprint = joining::definition().fingerprint();
    let hours = TimeDelta::hours;
    for (now, next) in [
        (start, start + hours(24)),
        // Delays in a row add up.
        (start + hours(24), start + hours(26)),
        (start + hours(26), start + hours(26) + TimeDelta::minutes(30)),
    ] {
        world.clock.advance((now - world.clock_now()).to_std().unwrap());
        wait_until_due(&world, fingerprint, next).await;
    }
    assert_eq!(run.status().await.unwrap(), Status::Running);
    world.clock.advance(Duration::from_secs(1_800));
    assert_eq!(run.output().await.unwrap(), 15);
}

async fn a_delay_in_an_arm_delays_that_arm_alone(world: World) {
    let engine = world.engine().register::<branching>().build().await.unwrap();
    let run = engine.start::<branching>(WeighInput { number: 3 }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), None);
    let start = world.clock_now();
    let run = engine.start::<branching>(WeighInput { number: 30 }).await.unwrap();
    wait_until_due(&world, branching::definition().fingerprint(), start + TimeDelta::hours(1)).await;
    world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(run.output().await.unwrap(), Some(300));
}

async fn a_delay_stands_in_a_catch_and_after_it(world: World) {
    let engine = world.engine().register::<catching>().build().await.unwrap();
    let start = world.clock_now();
    let run = engine.start::<catching>(RefuseInput { number: 3 }).await.unwrap();
    let fingerprint = catching::definition().fingerprint();
    wait_until_due(&world, fingerprint, start + TimeDelta::hours(1)).await;
    world.clock.advance(Duration::from_secs(3_600));
    wait_until_due(&world, fingerprint, start + TimeDelta::hours(3)).await;
    world.clock.advance(Duration::from_secs(7_200));
    assert_eq!(run.output().await.unwrap(), 99);
}

async fn a_rerun_starts_its_own_stage_at_once_and_delays_the_others(world: World) {
    let engine = world.engine().register::<keeping>().build().await.unwrap();
    let run = engine.start::<keeping>(FileInput { number: 7 }).await.unwrap();
    let fingerprint = keeping::definition().fingerprint();
    wait_until_due(&world, fingerprint, world.clock_now() + 7 * DAY).await;
    world.clock.advance(7 * DAY);
    assert_eq!(run.output().await.unwrap(), 70);

    run.rerun_from::<archive>().await.unwrap();
    assert_eq!(run.output().await.unwrap(), 70);

    run.rerun_from::<file>().await.unwrap();
    wait_until_due(&world, fingerprint, world.clock_now() + 7 * DAY).await;
    assert_eq!(run.status().await.unwrap(), Status::Running);
    run.cancel("enough").await.unwrap();
    assert_eq!(due(&world, fingerprint).await, None);
    engine.shutdown().await;
}

on_every_store!(
    a_stage_after_a_delay_starts_that_much_later,
    a_delay_stands_at_the_start_in_a_branch_and_after_a_group,
    a_delay_in_an_arm_delays_that_arm_alone,
    a_delay_stands_in_a_catch_and_after_it,
    a_rerun_starts_its_own_stage_at_once_and_delays_the_others,
);

#[test]
fn a_delay_is_policy_and_shows_in_every_drawing() {
    let definition = keeping::definition();
    assert_eq!(definition.stage("archive").unwrap().delay, Some(7 * DAY));
    assert_eq!(definition.stage("file").unwrap().delay, None);
    assert_eq!(definition.to_json()["stages"][1]["delay_ms"], 604_800_000);
    assert!(definition.to_mermaid().contains("s2[\"Archive, 7d later\"]"), "{}", definition.to_mermaid());
    assert!(definition.to_dot().contains("[label=\"Archive, 7d later\"]"), "{}", definition.to_dot());
    assert_eq!(definition.layout().stages[1].delay_ms, Some(604_800_000));
    let plain = without_delay::keeping::definition();
    assert_eq!(definition.fingerprint(), plain.fingerprint(), "a build may change a delay");
}

mod without_delay {
    use super::{archive, file};
    use workflow_engine::prelude::*;

    workflow! { pub(super) keeping = file >> archive }
}
