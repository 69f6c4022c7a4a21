//! Tests of the slot pool: who may take a slot, and when.

use super::*;

/// Ends bodies until they count as short.
async fn run_short_bodies(pool: &SlotPool) {
    for _ in 0..64 {
        drop(pool.request_body().start().await.unwrap());
    }
}

#[tokio::test]
async fn a_worker_holds_as_many_jobs_as_bodies_until_they_are_short() {
    let pool = SlotPool::new(2, Arc::default());
    let mut permits = pool.acquire_up_to(99).await.unwrap();
    assert_eq!(permits.len(), 2);
    assert!(pool.try_acquire().is_none());

    run_short_bodies(&pool).await;
    permits.extend(pool.acquire_up_to(99).await.unwrap());
    assert_eq!(permits.len(), 2 * SLOTS_OF_SHORT_BODIES);

    permits.truncate(3);
    let bodies = [pool.request_body().start().await.unwrap(), pool.request_body().start().await.unwrap()];
    assert!(pool.try_acquire().is_none(), "the bodies that run may be long");
    drop(bodies);
    assert!(pool.try_acquire().is_some());
}

#[tokio::test]
async fn the_claim_loop_takes_the_slot_of_either_kind_that_is_freed_first() {
    let pool = SlotPool::new(1, Arc::default());
    run_short_bodies(&pool).await;
    for index in [0, 3] {
        let mut permits = pool.acquire_up_to(99).await.unwrap();
        let (waited, ()) = tokio::join!(pool.acquire_up_to(1), async { drop(permits.remove(index)) });
        assert_eq!(waited.unwrap().len(), 1, "slot {index} was freed");
    }
}

#[tokio::test]
async fn the_claim_loop_notices_that_bodies_have_become_short() {
    let pool = SlotPool::new(1, Arc::default());
    let _long_chain = pool.try_acquire().unwrap();
    let (claimed, ()) = tokio::join!(pool.acquire_up_to(1), run_short_bodies(&pool));
    assert_eq!(claimed.unwrap().len(), 1, "the chain still has the only slot of its own");
}

#[tokio::test]
async fn a_completing_stage_continues_with_all_of_its_branches() {
    let pool = SlotPool::new(1, Arc::default());
    run_short_bodies(&pool).await;
    let body = pool.request_body().start().await.unwrap();
    let slots = SuccessorSlots::new(pool.try_acquire().unwrap(), body, Arc::clone(&pool));
    slots.body_ended();
    assert_eq!(slots.take(3, 5), 3);
    assert_eq!(pool.additional.available_permits(), 1);
    drop(slots.into_permits());
    assert!(!pool.is_full());
    assert_eq!((pool.available(), pool.additional.available_permits()), (1, 3));
}

#[tokio::test]
async fn a_completing_stage_with_a_long_body_continues_with_one() {
    let pool = SlotPool::new(1, Arc::default());
    let body = pool.request_body().start().await.unwrap();
    let slots = SuccessorSlots::new(pool.try_acquire().unwrap(), body, Arc::clone(&pool));
    assert!(pool.is_full());
    slots.body_ended();
    assert_eq!(slots.take(3, 5), 1);
}

#[tokio::test]
async fn a_closed_pool_gives_out_no_slots() {
    let pool = SlotPool::new(2, Arc::default());
    run_short_bodies(&pool).await;
    let body = pool.request_body().start().await.unwrap();
    let slots = SuccessorSlots::new(pool.try_acquire().unwrap(), body, Arc::clone(&pool));
    pool.close();
    assert!(pool.try_acquire().is_none());
    assert!(pool.acquire_up_to(1).await.is_none());
    assert_eq!(slots.take(1, 5), 0, "successors return to the queue");
}
