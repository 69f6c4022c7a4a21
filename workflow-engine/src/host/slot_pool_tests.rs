//! Tests of the slot pool: who may take a slot, and when.

use std::time::Duration;

use futures_util::FutureExt;

use super::*;
use crate::host::bodies::RunningBody;
use crate::host::successor_slots::SuccessorSlots;
use crate::kernel::Slots;

const SHORT: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_secs(1);
const PRIORITY: i32 = 5;

fn pool(bodies: usize, average: Duration) -> Arc<SlotPool> {
    let pool = SlotPool::new(bodies, Arc::default());
    pool.bodies.assume(average);
    pool
}

/// Starts a body that takes no time, however slow the machine is.
async fn start(pool: &SlotPool) -> RunningBody {
    pool.request_body().start().await.unwrap().without_time()
}

/// Returns the slots for the successors of a job in this slot whose body has ended.
async fn completing(pool: &Arc<SlotPool>, own: Slot) -> SuccessorSlots {
    let slots = SuccessorSlots::new(own, start(pool).await, Arc::clone(pool));
    slots.body_ended();
    slots
}

/// Takes all slots that are free.
fn fill(pool: &Arc<SlotPool>) -> Vec<Slot> {
    std::iter::from_fn(|| pool.try_acquire()).collect()
}

#[tokio::test]
async fn a_worker_holds_as_many_jobs_as_bodies_unless_they_are_short() {
    let pool = pool(2, LONG);
    let mut slots = pool.acquire_up_to(99).await.unwrap();
    assert_eq!(slots.len(), 2);

    pool.bodies.assume(SHORT);
    slots.extend(pool.acquire_up_to(99).await.unwrap());
    assert_eq!(slots.len(), 2 * SLOTS_OF_SHORT_BODIES);

    slots.truncate(3);
    let bodies = [start(&pool).await, start(&pool).await];
    assert!(pool.try_acquire().is_none(), "the bodies that run may be long");
    drop(bodies);
    assert!(pool.try_acquire().is_some());
}

#[tokio::test]
async fn any_job_counts_once_bodies_are_long() {
    let pool = pool(1, SHORT);
    let mut slots = fill(&pool);
    pool.bodies.assume(LONG);
    while slots.len() > 1 {
        slots.remove(0);
        assert!(pool.try_acquire().is_none(), "{} jobs are held", slots.len());
    }
    drop(slots);
    assert!(pool.try_acquire().is_some());
}

#[tokio::test]
async fn the_claim_loop_takes_the_next_slot_before_all_others() {
    let pool = pool(1, SHORT);
    let mut slots = fill(&pool);
    let mut claim = Box::pin(pool.acquire_up_to(99));
    assert!((&mut claim).now_or_never().is_none());
    slots.pop();
    assert!(pool.try_acquire().is_none(), "the slot is the claim loop's");
    slots.pop();
    assert_eq!(claim.await.unwrap().len(), 2);

    // A claim loop that has ended leaves its slot to others.
    slots.extend(fill(&pool));
    let mut claim = Box::pin(pool.acquire_up_to(99));
    assert!((&mut claim).now_or_never().is_none());
    slots.pop();
    drop(claim);
    assert_eq!(fill(&pool).len(), 1);
}

#[tokio::test]
async fn the_claim_loop_notices_that_bodies_have_become_short() {
    let pool = pool(1, LONG);
    let own = pool.try_acquire().unwrap();
    let body = start(&pool).await;
    let long_chain = SuccessorSlots::new(own, body, Arc::clone(&pool));
    let mut claim = Box::pin(pool.acquire_up_to(1));
    assert!((&mut claim).now_or_never().is_none());
    pool.bodies.assume(SHORT);
    long_chain.body_ended();
    assert_eq!(claim.await.unwrap().len(), 1, "the chain still has the first slot");
}

#[tokio::test]
async fn a_completing_stage_continues_with_all_of_its_branches() {
    let pool = pool(1, SHORT);
    let slots = completing(&pool, pool.try_acquire().unwrap()).await;
    assert_eq!(slots.take(3, PRIORITY), 3);
    assert_eq!(pool.taken(), 3);
    drop(slots.into_slots());
    assert_eq!(pool.taken(), 0);
}

#[tokio::test]
async fn a_completing_stage_with_a_long_body_continues_with_one() {
    let pool = pool(1, LONG);
    let slots = completing(&pool, pool.try_acquire().unwrap()).await;
    assert_eq!(slots.take(3, PRIORITY), 1);
}

#[tokio::test]
async fn a_run_leaves_its_slot_where_too_many_jobs_are_held() {
    let pool = pool(1, SHORT);
    let slots = completing(&pool, pool.try_acquire().unwrap()).await;
    let others = fill(&pool);
    pool.bodies.assume(LONG);
    assert_eq!(slots.take(1, PRIORITY), 0);
    assert_eq!(pool.taken(), others.len());
}

#[tokio::test]
async fn a_slot_that_is_left_to_more_urgent_work_is_the_claim_loops() {
    let highest = Arc::<HighestPriority>::default();
    let pool = SlotPool::new(2, Arc::clone(&highest));
    pool.bodies.assume(SHORT);
    let mut others = fill(&pool);
    let slots = completing(&pool, others.pop().unwrap()).await;
    // While these bodies run, fewer slots are given out than jobs are held.
    let _running = [start(&pool).await, start(&pool).await];
    let mut claim = Box::pin(pool.acquire_up_to(1));
    assert!((&mut claim).now_or_never().is_none());
    highest.observe(PRIORITY + 1);
    assert_eq!(slots.take(1, PRIORITY), 0, "the run leaves its slot");
    assert_eq!(claim.await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_closed_pool_gives_out_no_slots() {
    let pool = pool(2, SHORT);
    let slots = completing(&pool, pool.try_acquire().unwrap()).await;
    let others = fill(&pool);
    let mut claim = Box::pin(pool.acquire_up_to(1));
    assert!((&mut claim).now_or_never().is_none());
    pool.close();
    assert!(claim.await.is_none());
    drop(others);
    assert!(pool.try_acquire().is_none());
    assert!(pool.acquire_up_to(1).await.is_none());
    assert_eq!(slots.take(1, PRIORITY), 0, "successors return to the queue");
}
