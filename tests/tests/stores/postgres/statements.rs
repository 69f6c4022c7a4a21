//! The statements of a commit: alone, in a batch, and beside ten thousand terminal runs.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use sqlx::{AssertSqlSafe, Row};
use tests::deliveries::{ask, settle};
use tests::postgres::Schema;
use workflow_engine::ports::{
    Catalog, Change, Commit, DeadLetterFilter, Decision, DeliveryOutcome, JobTransport, Outbox, Persistence,
    Purge, Retention,
};
use workflow_engine::records::BlobKey;
use workflow_engine::stores::{PostgresStatistics, PostgresStore};
use workflow_engine::{AnnotationFilter, AnnotationKey, Statement};

use super::fixture::{claim, complete, create, definitions, due, entry, named_url, number, running};

fn spent(before: PostgresStatistics, after: PostgresStatistics) -> (u64, u64) {
    (after.transactions - before.transactions, after.statements - before.statements)
}

/// Returns the least transactions and statements of three such commits: a statement that has waited for the processor
/// for a second is repeated.
async fn least(store: &PostgresStore, decision: impl AsyncFn() -> Decision) -> (u64, u64) {
    let mut least = (u64::MAX, u64::MAX);
    for _ in 0..3 {
        let decision = decision().await;
        let before = store.statistics();
        store.commit(decision).await.unwrap();
        least = least.min(spent(before, store.statistics()));
    }
    least
}

/// Neither a new run nor a cached one has to be read.
#[tokio::test]
async fn a_commit_takes_one_statement() {
    needs_postgres!("a_commit_takes_one_statement");
    let schema = Schema::new();
    let store = schema.open().await;
    // The store has to receive the database's time once.
    running(&store).await;
    assert_eq!(least(&store, async || keyed()).await, (1, 1));
    assert_eq!(least(&store, async || complete(&running(&store).await)).await, (1, 1));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_takes_as_many_statements_as_a_commit() {
    needs_postgres!("a_batch_takes_as_many_statements_as_a_commit");
    let schema = Schema::new();
    let store = Arc::new(schema.open().await);
    let jobs = join_all((0..400).map(|_| running(&*store))).await;
    let before = store.statistics();
    let work = jobs.into_iter().map(|job| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            store.commit(complete(&job)).await.unwrap();
            store.commit(create()).await.unwrap();
        })
    });
    join_all(work.collect::<Vec<_>>()).await.into_iter().for_each(Result::unwrap);
    let (transactions, statements) = spent(before, store.statistics());
    assert!(transactions < 200, "800 requests in {transactions} transactions");
    // A statement that has waited for the processor for a second is repeated.
    assert!(statements <= transactions + 2, "{statements} statements in {transactions} transactions");
    store.close().await;
}

/// Their locks and their duration must not affect other commits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_of_the_user_share_no_transaction() {
    needs_postgres!("statements_of_the_user_share_no_transaction");
    let schema = Schema::new();
    let store = schema.open().await;
    let table = format!("{}.workflow_logs", schema.name());
    let mut decisions = Vec::new();
    for _ in 0..40 {
        let mut decision = complete(&running(&store).await);
        let delete = Statement::new(format!("DELETE FROM {table} WHERE id = $1")).bind(0);
        decision.changes.push(Change::Execute { stage_key: "a".into(), statements: vec![delete] });
        decisions.push(decision);
    }
    let before = store.statistics();
    let commits = join_all(decisions.into_iter().map(|decision| store.commit(decision))).await;
    assert!(commits.into_iter().all(|commit| matches!(commit, Ok(Commit::Applied(_)))));
    let (transactions, _) = spent(before, store.statistics());
    assert!(transactions >= 40, "40 commits in {transactions} transactions");
    store.close().await;
}

/// However many terminal runs there are, no statement of the store scans a table. The server counts the scans.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_scans_a_table() {
    needs_postgres!("no_statement_scans_a_table");
    let schema = Schema::new();
    let name = schema.name();
    let store = PostgresStore::open(schema.options_at(&named_url(&schema))).await.unwrap();
    tests::deliveries::subscribe(&store).await;
    // The sessions keep plans that were made over empty tables.
    everything(&store).await;
    let mut connection = schema.connect().await;
    let fill = format!(
        "INSERT INTO {name}.workflow_runs (id, workflow_id, workflow_name, workflow_type,
            definition_fingerprint, status, priority, version, generation, last_sequence, waiting_on, active,
            suspended, created_at, completed_at)
        SELECT gen_random_uuid(), 'workflow', 'w', 'w', 'definition', 'COMPLETED', 5, 1, 1, 5, 0, 0, 0, now(), now()
        FROM generate_series(1, 10000);
        INSERT INTO {name}.workflow_stage_rows (workflow_run_id, stage_id, stage_name, stage_number, execution_group,
            generation, status, attempt, waiting_on)
        SELECT id, 'a', 'A', 1, 1, 1, 'COMPLETED', 1, 0 FROM {name}.workflow_runs
        WHERE workflow_name = 'w';
        INSERT INTO {name}.workflow_commits (workflow_run_id, sequence, last_sequence, causation_id, event_types, events,
            occurred_at, published_at)
        SELECT id, n, n, 'test', '[\"e\"]', '[{{}}]', now(), now()
        FROM {name}.workflow_runs, generate_series(1, 5) AS n
        WHERE workflow_name = 'w';
        ANALYZE"
    );
    sqlx::raw_sql(AssertSqlSafe(fill)).execute(&mut connection).await.unwrap();
    everything(&store).await;
    everything(&store).await;
    store.close().await;

    // The server counts the scans of a session when it ends.
    let sessions = format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{name}'");
    while number(&mut connection, &sessions).await > 0 {}
    let scans = AssertSqlSafe(format!(
        "SELECT relname::text, seq_scan, seq_tup_read FROM pg_stat_all_tables
        WHERE schemaname = '{name}' AND seq_tup_read > 0 AND relname <> 'workflow_migrations'"
    ));
    let scans = sqlx::query(scans).fetch_all(&mut connection).await.unwrap();
    let scans: Vec<(String, i64, i64)> =
        scans.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    // Filling the tables has read each row of the runs twice.
    let unexpected: Vec<_> = scans
        .iter()
        .filter(|(table, _, read)| match table.as_str() {
            "workflow_runs" => *read > 30_000,
            // It has a row for each subscriber.
            "workflow_subscribers" => false,
            _ => true,
        })
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
}

/// Makes a decision that creates a run with a key of its own.
fn keyed() -> Decision {
    Decision { idempotency: Some(entry(&workflow_engine::RunId::generate().to_string())), ..create() }
}

/// Runs every statement at least once.
async fn everything(store: &PostgresStore) {
    store.commit(keyed()).await.unwrap();
    let run_id = due(store).await;
    let claimed = store.claim_jobs(&claim(), &definitions(), 5).await.unwrap();
    let job = claimed.into_iter().find(|job| job.lease.run_id == run_id).unwrap();
    store.renew_leases(vec![job.lease.clone()], claim().lease).await.unwrap();
    store.claim_jobs(&claim(), &definitions(), 5).await.unwrap();
    store.stale_jobs(&["gone".to_owned()], 5).await.unwrap();
    store.lease_holders().await.unwrap();
    store.due_checks(&definitions(), 5).await.unwrap();
    store.stuck_runs(&definitions(), std::time::Duration::ZERO, 5).await.unwrap();
    store.unclaimed_runs(&[], std::time::Duration::ZERO, 5).await.unwrap();
    store.next_job_due(&definitions()).await.unwrap();
    store.next_lease_end().await.unwrap();
    store.unfinished_by_definition("workflow", 100).await.unwrap();
    let log = Change::PutBlob { key: BlobKey(format!("{run_id}/a")), value: workflow_engine::Json::null() };
    let kept = workflow_engine::records::StoredValue::Inline(workflow_engine::Json::null());
    let put = |key: &str| Change::PutArtifact { stage_key: "a".into(), key: key.into(), value: kept.clone() };
    let delete = Change::DeleteArtifact { stage_key: "a".into(), key: "y".into() };
    let metrics = [("n".to_owned(), 1.0)].into();
    let measure = Change::RecordMetrics { stage_key: "a".into(), metrics };
    let annotation = AnnotationKey::<u32>::new("k").value(&1);
    let annotate = Change::Annotate { stage_key: Some("a".into()), annotation };
    let changes = vec![log, put("x"), put("y"), measure, annotate];
    store.commit(Decision { changes, ..complete(&job) }).await.unwrap();
    store.commit(Decision { changes: vec![delete], ..complete(&job) }).await.unwrap();
    store.commit(complete(&job)).await.unwrap();
    store.commit_locked(run_id, Box::new(|_| None)).await.unwrap();
    store.snapshot(run_id).await.unwrap();
    store.run(run_id).await.unwrap();
    store.request(run_id).await.unwrap();
    store.stages(run_id).await.unwrap();
    store.stage(run_id, &"a".into()).await.unwrap();
    store.outputs(run_id, &["a".to_owned().into()]).await.unwrap();
    store.blob(&BlobKey(format!("{run_id}/a"))).await.unwrap();
    store.logs(run_id, 0, 5).await.unwrap();
    store.annotations(run_id, &AnnotationFilter::new().prefix("k")).await.unwrap();
    store.annotations_of_key("k", &AnnotationFilter::new().actor("reviewer")).await.unwrap();
    store.artifacts(run_id, None).await.unwrap();
    store.artifacts(run_id, Some(&"a".into())).await.unwrap();
    store.artifact(run_id, &"a".into(), "x").await.unwrap();
    store.pending_runs(&definitions(), 5).await.unwrap();
    store.unfinished_runs("workflow").await.unwrap();
    store.events(run_id, 0, 5).await.unwrap();
    deliveries(store).await;
    store.oldest_end().await.unwrap();
    let purge = Purge {
        older_than: Duration::ZERO,
        include_undelivered: false,
        external_blobs: true,
        limit: 5,
        only: None,
    };
    store.purge_runs(&purge).await.unwrap();
    store.purge_runs(&Purge { include_undelivered: true, limit: 1, ..purge }).await.unwrap();
    let purged = store.purged_runs(5).await.unwrap();
    assert!(!purged.is_empty());
    store.forget_purged(purged).await.unwrap();
}

async fn deliveries(store: &PostgresStore) {
    let claimed = store.claim_deliveries(&ask()).await.unwrap();
    let dead = DeliveryOutcome::GivenUp { sequence: 1, error: "no".into(), block_on_dead_letter: true };
    settle(store, &claimed[0], dead).await;
    for delivery in &claimed[1..] {
        settle(store, delivery, DeliveryOutcome::Delivered { last_sequence: delivery.last_sequence }).await;
    }
    assert_eq!(store.dead_letters(None, None, 5).await.unwrap().len(), 1);
    assert_eq!(store.dead_letters(Some("all"), None, 5).await.unwrap().len(), 1);
    assert_eq!(store.replay_dead_letters(&DeadLetterFilter::new().plugin("all"), 5).await.unwrap(), 1);
    assert!(store.next_delivery_due("all").await.unwrap().is_some());
    let again = store.claim_deliveries(&ask()).await.unwrap();
    settle(store, &again[0], DeliveryOutcome::Delivered { last_sequence: again[0].last_sequence }).await;
    assert_eq!(store.replay_dead_letters(&DeadLetterFilter::new(), 5).await.unwrap(), 0);
}
