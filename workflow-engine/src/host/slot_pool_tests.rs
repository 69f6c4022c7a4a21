//! Tests of the slot pool: who may take a slot, and when.

use tokio::sync::oneshot;

use super::*;

#[tokio::test]
async fn reserved_slots_are_taken_by_branches_only_and_released_after_the_time() {
    let pool = SlotPool::new(4, Arc::default());
    let mut permits = pool.acquire_up_to(9).await.unwrap();
    assert_eq!(permits.len(), 4);
    let (end, until) = oneshot::channel::<()>();
    pool.reserve_for_branches(permits.split_off(1), async move { until.await.unwrap() });
    assert!(pool.try_acquire().is_none(), "a reserved slot does not start another run");

    let slots = SuccessorSlots::new(permits.remove(0), Arc::clone(&pool));
    assert_eq!(slots.take(3, 5), 3, "a completing stage continues with all of its branches");
    assert!(pool.try_acquire().is_none(), "one slot is still reserved");

    end.send(()).unwrap();
    let freed = pool.acquire_up_to(1).await.unwrap();
    assert!(pool.try_acquire().is_none(), "slots that branches have taken stay with them");
    drop(slots.into_permits());
    drop(freed);
    assert_eq!(pool.free.available_permits(), 4);
}

#[tokio::test]
async fn a_closed_pool_gives_out_no_slots() {
    let pool = SlotPool::new(2, Arc::default());
    let own = pool.try_acquire().unwrap();
    let slots = SuccessorSlots::new(own, Arc::clone(&pool));
    pool.close();
    assert!(pool.try_acquire().is_none());
    assert!(pool.acquire_up_to(1).await.is_none());
    assert_eq!(slots.take(1, 5), 0, "successors return to the queue");
}
