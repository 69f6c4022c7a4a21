//! Tests of the limit of bodies, and of what counts as short.

use super::*;

#[tokio::test]
async fn bodies_are_short_once_many_were() {
    let bodies = Bodies::new(4);
    assert!(!bodies.are_short(), "nothing is known yet");
    bodies.observe(Duration::ZERO);
    assert!(!bodies.are_short(), "one body does not tell");
    for _ in 0..64 {
        bodies.observe(Duration::from_micros(500));
    }
    assert!(bodies.are_short());
}

#[tokio::test]
async fn one_long_body_among_many_short_ones_counts() {
    let bodies = Bodies::new(4);
    bodies.assume(Duration::from_millis(1));
    bodies.observe(Duration::from_secs(1));
    assert!(!bodies.are_short());
    for _ in 0..16 {
        bodies.observe(Duration::ZERO);
    }
    assert!(!bodies.are_short(), "of 17 bodies, one was long");
    for _ in 0..1_000 {
        bodies.observe(Duration::MAX);
    }
    assert!(!bodies.are_short(), "the longest body counts, as an hour");
}

#[tokio::test]
async fn the_end_of_a_body_is_observed_with_its_time() {
    let bodies = Bodies::new(1);
    bodies.assume(Duration::from_millis(1));
    let mut body = bodies.request().start().await.unwrap();
    body.requested -= Duration::from_secs(10);
    drop(body);
    assert!(!bodies.are_short());
}

#[tokio::test]
async fn half_of_the_bodies_are_few() {
    let bodies = Bodies::new(4);
    let two = [bodies.request(), bodies.request()];
    assert!(bodies.are_few());
    let third = bodies.request();
    assert!(!bodies.are_few());
    drop((two, third));
    assert!(bodies.are_few());
}

#[tokio::test]
async fn a_body_does_not_wait_long_for_another_one() {
    let bodies = Bodies::new(1);
    bodies.assume(Duration::ZERO);
    let first = bodies.request().start().await.unwrap();
    assert!(bodies.request().start().await.is_none(), "the first body does not end");
    assert!(bodies.average.load(Ordering::Relaxed) >= micros(MAX_WAIT) / WEIGHT, "the wait counts");
    let second = bodies.request();
    drop(first);
    assert!(second.start().await.is_some(), "the first body has ended");
}

#[tokio::test]
async fn bodies_start_in_the_order_of_their_requests() {
    let bodies = Bodies::new(1);
    let first = bodies.request();
    let (dropped, second, third) = (bodies.request(), bodies.request(), bodies.request());
    drop(dropped);
    drop(first.start().await.unwrap());
    assert!(bodies.free.try_acquire().is_err(), "it is the turn of the second one");
    // The third one is polled first, and still comes after the second one.
    let (third, second) = tokio::join!(third.start(), second.start());
    assert!(second.is_some());
    assert!(third.is_none(), "the second body runs");
}
