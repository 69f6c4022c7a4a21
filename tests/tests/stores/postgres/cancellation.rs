//! Callers that stop waiting.

use std::sync::Arc;
use std::time::Duration;

use tests::postgres::Schema;
use workflow_engine::ports::{JobTransport, Persistence};
use workflow_engine::stores::PostgresStore;

use super::fixture::{claim, create, definitions, due, named_url, number, running};

/// A caller that stops waiting leaves neither an open transaction nor a lock, and its request is carried out completely
/// or not at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_stop_waiting_leave_nothing_open() {
    needs_postgres!("callers_that_stop_waiting_leave_nothing_open");
    let schema = Schema::new();
    let store = Arc::new(PostgresStore::open(schema.options_at(&named_url(&schema))).await.unwrap());
    let mut requested = Vec::new();
    for round in 0..300_u64 {
        let decision = create();
        let run_id = decision.run_id;
        requested.push(run_id);
        // From zero to about the duration of a commit.
        let limit = Duration::from_micros(round * 17 % 3_000);
        let _ = tokio::time::timeout(limit, store.commit(decision)).await;
        let _ = tokio::time::timeout(limit, store.snapshot(run_id)).await;
        let _ = tokio::time::timeout(limit, store.claim_jobs(&claim(), &definitions(), 1)).await;
        let locked = store.commit_locked(run_id, Box::new(|_| None));
        let _ = tokio::time::timeout(limit, locked).await;
        if round % 10 == 0 {
            due(&*store).await;
        }
    }
    running(&*store).await;
    for run_id in requested {
        let events = store.events(run_id, 0, 9).await.unwrap().len();
        assert!(events == 0 || events == 3, "{events} events of a commit that has 3");
    }
    store.close().await;
    let mut connection = schema.connect().await;
    let open = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = '{}' AND xact_start IS NOT NULL",
        schema.name()
    );
    assert_eq!(number(&mut connection, &open).await, 0);
}
