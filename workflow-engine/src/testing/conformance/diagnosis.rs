//! Cases about the condition that a store tells.

use std::time::Duration;

use super::fixture::Fixture;

cases![the_condition_names_the_newest_run];

async fn the_condition_names_the_newest_run(fixture: Fixture) {
    let empty = fixture.store.condition().await.unwrap();
    assert_eq!((empty.newest_run_at, empty.unknown_calls, empty.unpublished_commits), (None, 0, 0));
    assert!(empty.waiting_events.is_empty());
    fixture.create().await;
    fixture.clock.advance(Duration::from_secs(1));
    let newest = fixture.create().await;
    let condition = fixture.store.condition().await.unwrap();
    assert_eq!(condition.newest_run_at, Some(fixture.run(newest).await.created_at));
}
