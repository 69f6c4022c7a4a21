//! The cost of a run that waits for days.

use std::sync::Arc;
use std::time::Duration;

use tests::events::wait_for;
use workflow_engine::EngineBuilder;
use workflow_engine::ports::{JobTransport, Store};
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;
use workflow_engine::stores::{SqliteOptions, SqliteStore};
use workflow_engine::testing::FakeClock;

use super::fixture::Directory;

#[stage(check = printed, poll_every = "1d", give_up_after = "30d")]
async fn order(title: String) -> StageResult<String> {
    Ok(title)
}

#[check]
async fn printed(title: &String) -> StageResult<Check<String>> {
    Ok(if title.is_empty() { Check::Ready(title.clone()) } else { Check::Pending })
}

workflow! { printing = order }

const HOUR: Duration = Duration::from_secs(3_600);
const DAYS: u64 = 10;

#[tokio::test]
async fn a_run_that_waits_for_days_costs_its_due_checks_and_nothing_else() {
    let directory = Directory::new();
    let clock = FakeClock::new();
    let file = directory.file("store.db");
    let mut options = SqliteOptions::new(file.to_str().unwrap());
    options.clock = Arc::new(clock.clone());
    let store = Arc::new(SqliteStore::open(options).await.unwrap());
    let engine = EngineBuilder::with_store(Arc::clone(&store) as Arc<dyn Store>, Arc::new(clock.clone()))
        .register::<printing>()
        .build()
        .await
        .unwrap();
    let run = engine.start::<printing>(OrderInput { title: "Emma".into() }).await.unwrap();
    wait_for(&run, |kind| matches!(kind, EventKind::StageSuspended { .. })).await;

    let fingerprints = [printing::definition().fingerprint().to_owned()];
    let due = || async { store.next_job_due(&fingerprints).await.unwrap() };
    let before = store.statistics();
    for _ in 0..DAYS {
        let check = due().await;
        for _ in 0..24 {
            clock.advance(HOUR);
            // Lets tasks that are due in this hour run.
            due().await;
        }
        // Nothing is due while the check runs.
        while due().await.is_none_or(|next| Some(next) == check) {
            tokio::task::yield_now().await;
        }
    }
    let after = store.statistics();
    let (requests, transactions) =
        (after.requests - before.requests, after.transactions - before.transactions);
    // The claim of the check, its outcome, and a query or two for other work. Polling every hour would make 240.
    assert!(requests <= 6 * DAYS, "{requests} requests in {DAYS} days");
    // A check for external commits may be a separate one. Polling every hour would make 240.
    assert!(transactions <= 9 * DAYS, "{transactions} transactions in {DAYS} days");
    assert_eq!(run.status().await.unwrap(), Status::Running);
    engine.shutdown().await;
}
