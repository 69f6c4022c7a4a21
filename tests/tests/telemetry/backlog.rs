//! What waits in the store: the store is asked at most every 10 seconds, and only when the program asks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tests::intercept::{Call, Intercepted, Interceptor};
use tests::world::World;
use workflow_engine::testing::unavailable;
use workflow_engine::{EngineBuilder, Error};

use crate::workflows::{FetchInput, Filing, workflow};

/// Notes the calls of the store, and refuses them while the store is away.
#[derive(Default)]
struct Calls {
    made: Mutex<Vec<&'static str>>,
    is_away: Mutex<bool>,
}

#[async_trait]
impl Interceptor for Calls {
    async fn before(&self, call: Call) -> Result<u64, Error> {
        self.made.lock().unwrap().push(call.method);
        if *self.is_away.lock().unwrap() { Err(unavailable("the store is away")) } else { Ok(0) }
    }
}

impl Calls {
    fn take(&self) -> Vec<&'static str> {
        std::mem::take(&mut *self.made.lock().unwrap())
    }
}

#[tokio::test]
async fn the_store_is_asked_at_most_every_ten_seconds_and_only_on_demand() {
    let world = World::memory().await;
    let calls = Arc::new(Calls::default());
    let store = Arc::new(Intercepted::new(Arc::clone(&world.store), Arc::clone(&calls)));
    let engine = EngineBuilder::with_store(store, Arc::new(world.clock.clone()))
        .register::<Filing>()
        .without_worker()
        .build()
        .await
        .unwrap();
    engine.start::<Filing>(FetchInput { fails: false }).await.unwrap();
    calls.take();

    assert!(engine.measurements().await.backlog.is_some());
    let asked = calls.take();
    assert!(!asked.is_empty());
    let (one, two) = tokio::join!(engine.measurements(), engine.measurements());
    assert_eq!(one.backlog, two.backlog);
    world.clock.advance(Duration::from_secs(9));
    assert!(engine.measurements().await.backlog.is_some());
    assert_eq!(calls.take(), [""; 0], "the last answer counts for 10 seconds");

    world.clock.advance(Duration::from_secs(1));
    engine.measurements().await;
    assert_eq!(calls.take(), asked);
    world.clock.advance(Duration::from_secs(3_600));
    assert_eq!(calls.take(), [""; 0], "no caller has asked");
}

#[tokio::test]
async fn a_store_that_is_away_hides_its_backlog_alone_and_is_not_asked_more_often() {
    let world = World::memory().await;
    let calls = Arc::new(Calls::default());
    let store = Arc::new(Intercepted::new(Arc::clone(&world.store), Arc::clone(&calls)));
    let engine = EngineBuilder::with_store(store, Arc::new(world.clock.clone()))
        .register::<Filing>()
        .without_worker()
        .build()
        .await
        .unwrap();
    engine.start::<Filing>(FetchInput { fails: false }).await.unwrap();
    *calls.is_away.lock().unwrap() = true;
    calls.take();
    for _ in 0..3 {
        let measured = engine.measurements().await;
        assert_eq!((measured.backlog.as_ref(), workflow(&measured, "filing").runs_started), (None, 1));
        assert!(!measured.to_prometheus().contains("oldest_ready_seconds"));
    }
    assert_eq!(calls.take().len(), 1);
    *calls.is_away.lock().unwrap() = false;
    world.clock.advance(Duration::from_secs(10));
    assert!(engine.measurements().await.backlog.is_some());
}
