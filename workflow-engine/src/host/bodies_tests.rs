//! Tests of the limit of bodies, and of what counts as short.

use super::*;

/// Ends a body that took this long.
async fn end_after(bodies: &Arc<Bodies>, time: Duration) {
    let mut body = bodies.request().start().await.unwrap();
    body.requested -= time;
}

async fn warm(bodies: &Arc<Bodies>) {
    for _ in 0..64 {
        end_after(bodies, Duration::from_micros(500)).await;
    }
}

#[tokio::test]
async fn bodies_are_short_once_many_were() {
    let bodies = Bodies::new(4);
    assert!(!bodies.are_short(), "nothing is known yet");
    end_after(&bodies, Duration::ZERO).await;
    assert!(!bodies.are_short(), "one body does not tell");
    warm(&bodies).await;
    assert!(bodies.are_short());
}

#[tokio::test]
async fn one_long_body_among_many_short_ones_counts() {
    let bodies = Bodies::new(4);
    warm(&bodies).await;
    end_after(&bodies, Duration::from_secs(1)).await;
    assert!(!bodies.are_short());
    for _ in 0..16 {
        end_after(&bodies, Duration::ZERO).await;
    }
    assert!(!bodies.are_short(), "of 17 bodies, one was long");
    end_after(&bodies, Duration::from_secs(1_000_000)).await;
    warm(&bodies).await;
    assert!(!bodies.are_short(), "the longest body counts, as an hour");
}

#[tokio::test]
async fn bodies_that_run_now_may_be_long() {
    let bodies = Bodies::new(4);
    warm(&bodies).await;
    let two = [bodies.request().start().await.unwrap(), bodies.request().start().await.unwrap()];
    assert!(bodies.are_short(), "half of the bodies run");
    let third = bodies.request().start().await.unwrap();
    assert!(!bodies.are_short());
    drop((two, third));
    assert!(bodies.are_short());
}

#[tokio::test]
async fn a_body_does_not_wait_long_for_another_one() {
    let bodies = Bodies::new(1);
    let first = bodies.request().start().await.unwrap();
    assert!(bodies.request().start().await.is_none(), "the first body does not end");
    let second = bodies.request();
    drop(first);
    assert!(second.start().await.is_some(), "the first body has ended");
}

#[tokio::test]
async fn bodies_start_in_the_order_of_their_requests() {
    let bodies = Bodies::new(1);
    let first = bodies.request();
    let (second, third) = (bodies.request(), bodies.request());
    drop(first.start().await.unwrap());
    assert!(bodies.free.try_acquire().is_err(), "it is the turn of the second one");
    // Whatever is polled first.
    let (third, second) = tokio::join!(third.start(), second.start());
    assert!(second.is_some());
    assert!(third.is_none(), "the second body runs");
}
