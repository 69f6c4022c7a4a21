//! Which instants a store brings back.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tests::decisions::{claim, definitions, new_run, running};
use tests::deliveries::{ask, settle, subscribe};
use tests::world::World;
use workflow_engine::ports::{Change, Commit, Decision, DeliveryOutcome, Precondition};
use workflow_engine::records::{ClaimedJob, RunStart, RunTimes, StoredValue};
use workflow_engine::{Json, RunId};

const AHEAD: TimeDelta = TimeDelta::hours(1);
const DELAY: Duration = Duration::from_secs(600);
const DAY: Duration = Duration::from_secs(24 * 3_600);
const WEEK: Duration = Duration::from_secs(7 * 24 * 3_600);

tests::on_every_store! {
    a_check_is_due_after_its_interval,
    a_retry_is_due_after_its_backoff,
    a_wait_times_out_after_its_time,
    a_lease_expires_after_its_length,
    a_renewed_lease_expires_after_its_length,
    a_refused_delivery_is_due_after_its_backoff,
    a_claimed_delivery_is_released_after_its_lease,
    a_backoff_of_a_week_that_began_before_stays_a_week,
    a_wait_that_began_before_is_not_shortened_by_a_check_meanwhile,
    every_process_may_correct,
    a_run_that_starts_after_a_time_waits_that_time,
    a_run_that_starts_at_an_instant_keeps_it,
    a_deadline_is_its_time_after_the_creation,
}

fn suspend() -> Change {
    Change::Suspend {
        stage_key: "a".into(),
        ticket: StoredValue::Inline(Json::encode("ticket").unwrap()),
        check_after: DELAY,
        give_up_after: DAY,
        awaits_signal: false,
    }
}

fn retry(delay: Duration) -> Change {
    Change::Retry { stage_key: "a".into(), error: "not yet".into(), delay }
}

async fn apply(world: &World, job: &ClaimedJob, change: Change) {
    let decision = Decision {
        run_id: job.lease.run_id,
        precondition: Precondition::Lease(job.lease.clone()),
        command: "test",
        idempotency: None,
        changes: vec![change],
    };
    assert!(matches!(world.store.commit(decision).await.unwrap(), Commit::Applied(_)));
}

fn after(world: &World, delay: Duration) -> DateTime<Utc> {
    world.clock_now() + delay
}

async fn next_job(world: &World) -> Option<DateTime<Utc>> {
    world.store.next_job_due(&definitions()).await.unwrap()
}

/// Sets the clock back, and has the store correct its instants.
async fn back(world: &World) {
    world.clock.jump(-AHEAD);
    world.store.correct_instants().await.unwrap();
}

async fn a_check_is_due_after_its_interval(world: World) {
    world.clock.jump(AHEAD);
    apply(&world, &running(&*world.store).await, suspend()).await;
    assert_eq!(next_job(&world).await, Some(after(&world, DELAY)));
    back(&world).await;
    assert_eq!(next_job(&world).await, Some(after(&world, DELAY)));
}

async fn a_retry_is_due_after_its_backoff(world: World) {
    world.clock.jump(AHEAD);
    apply(&world, &running(&*world.store).await, retry(DELAY)).await;
    back(&world).await;
    assert_eq!(next_job(&world).await, Some(after(&world, DELAY)));
    world.clock.advance(DELAY);
    assert_eq!(world.store.claim_jobs(&claim(), &definitions(), 1).await.unwrap().len(), 1);
}

async fn a_wait_times_out_after_its_time(world: World) {
    world.clock.jump(AHEAD);
    let job = running(&*world.store).await;
    apply(&world, &job, suspend()).await;
    back(&world).await;
    let stage = world.store.stage(job.lease.run_id, &"a".into()).await.unwrap().unwrap();
    assert_eq!(stage.max_wait_until, Some(after(&world, DAY)));
}

async fn a_lease_expires_after_its_length(world: World) {
    world.clock.jump(AHEAD);
    let job = running(&*world.store).await;
    back(&world).await;
    assert_eq!(world.store.next_lease_end().await.unwrap(), Some(after(&world, claim().lease)));
    assert_eq!(
        world.store.lost_leases(vec![job.lease.clone()]).await.unwrap(),
        [],
        "its worker still holds it"
    );
    world.clock.advance(claim().lease);
    assert_eq!(world.store.stale_jobs(&[], 10).await.unwrap().len(), 1);
}

async fn a_renewed_lease_expires_after_its_length(world: World) {
    let job = running(&*world.store).await;
    world.clock.jump(AHEAD);
    assert_eq!(world.store.renew_leases(vec![job.lease], claim().lease).await.unwrap(), []);
    back(&world).await;
    assert_eq!(world.store.next_lease_end().await.unwrap(), Some(after(&world, claim().lease)));
}

async fn a_refused_delivery_is_due_after_its_backoff(world: World) {
    subscribe(&*world.store).await;
    world.clock.jump(AHEAD);
    running(&*world.store).await;
    let claimed = world.store.claim_deliveries(&ask()).await.unwrap();
    let refused = DeliveryOutcome::Refused { sequence: 1, error: "no".into(), delay: DELAY };
    settle(&*world.store, &claimed[0], refused).await;
    back(&world).await;
    assert_eq!(world.store.next_delivery_due("all").await.unwrap(), Some(after(&world, DELAY)));
}

async fn a_claimed_delivery_is_released_after_its_lease(world: World) {
    subscribe(&*world.store).await;
    running(&*world.store).await;
    world.clock.jump(AHEAD);
    let claimed = world.store.claim_deliveries(&ask()).await.unwrap();
    back(&world).await;
    assert_eq!(world.store.next_delivery_due("all").await.unwrap(), Some(after(&world, ask().claim.lease)));

    world.clock.jump(AHEAD);
    let leases = vec![claimed[0].lease.clone()];
    assert_eq!(world.store.renew_deliveries(leases, ask().claim.lease).await.unwrap(), []);
    back(&world).await;
    assert_eq!(world.store.next_delivery_due("all").await.unwrap(), Some(after(&world, ask().claim.lease)));
}

async fn a_backoff_of_a_week_that_began_before_stays_a_week(world: World) {
    apply(&world, &running(&*world.store).await, retry(WEEK)).await;
    let due = next_job(&world).await;
    assert_eq!(due, Some(after(&world, WEEK)));
    world.clock.jump(AHEAD);
    world.store.correct_instants().await.unwrap();
    back(&world).await;
    assert_eq!(next_job(&world).await, due);
}

async fn a_wait_that_began_before_is_not_shortened_by_a_check_meanwhile(world: World) {
    let job = running(&*world.store).await;
    let end = after(&world, DAY);
    apply(&world, &job, suspend()).await;
    world.clock.jump(AHEAD);
    world.clock.advance(DELAY);
    let check = world.store.claim_jobs(&claim(), &definitions(), 1).await.unwrap();
    apply(&world, &check[0], Change::Postpone { stage_key: "a".into(), check_after: DELAY }).await;
    back(&world).await;
    assert_eq!(next_job(&world).await, Some(after(&world, DELAY)));
    assert_eq!(
        world.store.stage(job.lease.run_id, &"a".into()).await.unwrap().unwrap().max_wait_until,
        Some(end)
    );
}

async fn every_process_may_correct(world: World) {
    world.clock.jump(AHEAD);
    apply(&world, &running(&*world.store).await, suspend()).await;
    back(&world).await;
    let due = after(&world, DELAY);
    for _ in 0..3 {
        world.clock.advance(Duration::from_secs(60));
        assert_eq!(world.store.correct_instants().await.unwrap(), 0);
        assert_eq!(next_job(&world).await, Some(due));
    }
}

/// Creates a run and returns its times.
async fn create(world: &World, start: Option<RunStart>, deadline: Option<Duration>) -> RunId {
    let run_id = RunId::generate();
    let decision = Decision {
        run_id,
        precondition: Precondition::Absent,
        command: "test",
        idempotency: None,
        changes: vec![Change::CreateRun(new_run()), Change::SetTimes { start, deadline }],
    };
    assert!(matches!(world.store.commit(decision).await.unwrap(), Commit::Applied(_)));
    run_id
}

async fn times(world: &World, run_id: RunId) -> RunTimes {
    world.store.run(run_id).await.unwrap().expect("it exists").times
}

async fn a_run_that_starts_after_a_time_waits_that_time(world: World) {
    let earlier = create(&world, Some(RunStart::After(WEEK)), None).await;
    let before = times(&world, earlier).await;
    world.clock.jump(AHEAD);
    let run_id = create(&world, Some(RunStart::After(DELAY)), Some(DAY)).await;
    back(&world).await;
    let found = times(&world, run_id).await;
    assert_eq!(found.due_at, Some(after(&world, DELAY)));
    assert_eq!(found.deadline_at, Some(after(&world, DELAY + DAY)), "it counts from the start");
    assert_eq!(times(&world, earlier).await, before, "it was written before");
    back(&world).await;
    assert_eq!(times(&world, run_id).await.due_at, Some(after(&world, DELAY)), "and once more");
}

async fn a_run_that_starts_at_an_instant_keeps_it(world: World) {
    world.clock.jump(AHEAD);
    let start = world.clock_now() + DELAY;
    let run_id = create(&world, Some(RunStart::At(start)), Some(DAY)).await;
    let before = times(&world, run_id).await;
    back(&world).await;
    assert_eq!(times(&world, run_id).await, before);
}

async fn a_deadline_is_its_time_after_the_creation(world: World) {
    world.clock.jump(AHEAD);
    let run_id = create(&world, None, Some(DAY)).await;
    back(&world).await;
    assert_eq!(times(&world, run_id).await.deadline_at, Some(after(&world, DAY)));
    assert_eq!(world.store.next_timer(&definitions()).await.unwrap(), Some(after(&world, DAY)));
}
