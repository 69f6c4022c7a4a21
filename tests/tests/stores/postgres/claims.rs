//! The cost of finding work in a queue that is full of other workers' work, counted by the server.

use std::collections::BTreeMap;
use std::sync::Arc;

use sqlx::{AssertSqlSafe, PgConnection, Row};
use tests::postgres::Schema;
use workflow_engine::ports::{ClaimRequest, JobTransport, Persistence};
use workflow_engine::stores::PostgresStore;

use super::fixture::{claim, named_url, number};

/// The number of waiting rows of each kind for one definition.
const WAITING: usize = 5_000;

/// Inserts runs of a definition: some with a due job, some with a due check, some pending.
async fn fill(connection: &mut PgConnection, schema: &str, definition: &str, priority: i32) {
    let fill = format!(
        "INSERT INTO {schema}.workflow_runs (id, workflow_id, workflow_name, workflow_type,
            definition_fingerprint, status, priority, version, generation, last_sequence, waiting_on, active,
            suspended, created_at)
        SELECT gen_random_uuid(), 'workflow', 'w', 'w', '{definition}', CASE n % 3 WHEN 0 THEN 'PENDING' ELSE
            'RUNNING' END, {priority} + n % 2, 1, 1, 0, 1, n % 3 % 2, n % 3 / 2, now() FROM
            generate_series(1, 3 * {WAITING}) AS n;
        INSERT INTO {schema}.workflow_stage_rows (workflow_run_id, stage_id, stage_name, stage_number,
            execution_group, generation, status, attempt, waiting_on)
        SELECT id, 'a', 'A', 1, 1, 1, CASE active WHEN 1 THEN 'PENDING' ELSE 'SUSPENDED' END, 0, 0
        FROM {schema}.workflow_runs WHERE status = 'RUNNING' AND definition_fingerprint = '{definition}';
        INSERT INTO {schema}.workflow_job_queue (workflow_run_id, stage_id, workflow_id, definition_fingerprint, generation,
            status, priority, attempt, max_attempts, crashes, max_crashes, lease_epoch, run_at, woken,
            due_written_at)
        SELECT id, 'a', 'workflow', '{definition}', 1, CASE active WHEN 1 THEN 'PENDING' ELSE 'SUSPENDED' END,
            priority, 0, 3, 0, 3, 0, now(), false, now()
        FROM {schema}.workflow_runs WHERE status = 'RUNNING' AND definition_fingerprint = '{definition}'"
    );
    sqlx::raw_sql(AssertSqlSafe(fill)).execute(connection).await.unwrap();
}

/// Returns how many entries of each index of waiting work were read. The server counts the reads of a session when it
/// ends.
async fn read(connection: &mut PgConnection, schema: &str) -> BTreeMap<String, i64> {
    let sessions = format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{schema}'");
    while number(connection, &sessions).await > 0 {}
    let counts = AssertSqlSafe(format!(
        "SELECT indexrelname::text, idx_tup_read FROM pg_stat_all_indexes WHERE schemaname = '{schema}'
            AND indexrelname IN ('workflow_job_queue_pending', 'workflow_job_queue_suspended', 'workflow_runs_pending')"
    ));
    let counts = sqlx::query(counts).fetch_all(connection).await.unwrap();
    counts.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Does everything that a worker of these definitions does to find work; returns how much it has found and read.
async fn find_work(
    connection: &mut PgConnection,
    schema: &Schema,
    definitions: &[String],
    limit: usize,
) -> (usize, i64) {
    let before = read(connection, schema.name()).await;
    let store = PostgresStore::open(schema.options_at(&named_url(schema))).await.unwrap();
    let work = ClaimRequest {
        claim: claim(),
        definitions: definitions.to_vec(),
        recently_served: vec!["foreign".to_owned()],
        limit,
        runs: true,
        starts: Arc::default(),
    };
    let found = store.claim_work(work).await.unwrap();
    let claimed = found.jobs.len() + found.runs.len();
    let checks = store.due_checks(definitions, limit).await.unwrap().len();
    let pending = store.pending_runs(definitions, limit).await.unwrap().len();
    let due = store.next_job_due(definitions).await.unwrap();
    assert_eq!(due.is_some(), checks > 0);
    store.close().await;
    let after = read(connection, schema.name()).await;
    (claimed + checks + pending, after.values().sum::<i64>() - before.values().sum::<i64>())
}

/// However much work waits, a claim reads only the first rows of each definition; twice if this process has not cached
/// the runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_for_one_job_reads_only_the_start_of_the_queue() {
    needs_postgres!("a_claim_for_one_job_reads_only_the_start_of_the_queue");
    let schema = Schema::new();
    schema.open().await.close().await;
    let mut connection = schema.connect().await;
    for definition in ["one", "two"] {
        fill(&mut connection, schema.name(), definition, 5).await;
    }
    sqlx::raw_sql("ANALYZE").execute(&mut connection).await.unwrap();
    let (one, three) = (["one"].map(str::to_owned), ["one", "two", "three"].map(str::to_owned));
    for (own, bound) in [(&one[..], 120), (&three[..], 240)] {
        let (found, read) = find_work(&mut connection, &schema, own, 1).await;
        assert_eq!(found, 3);
        assert!(read < bound, "{read} entries read of {} definitions", own.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_reads_past_the_work_of_others() {
    needs_postgres!("a_worker_reads_past_the_work_of_others");
    let schema = Schema::new();
    schema.open().await.close().await;
    let mut connection = schema.connect().await;
    // More urgent than all other work, and due for longer.
    fill(&mut connection, schema.name(), "foreign", 9).await;
    let few = ["one".to_owned(), "two".to_owned()];
    let many: Vec<String> = (0..30).map(|number| format!("definition-{number}")).collect();

    for own in [&few[..], &many[..]] {
        let (found, read) = find_work(&mut connection, &schema, own, 16).await;
        assert_eq!(found, 0);
        assert!(read < 50, "{read} entries read of {} definitions, for nothing", own.len());
    }

    fill(&mut connection, schema.name(), "one", 1).await;
    fill(&mut connection, schema.name(), "definition-20", 1).await;
    for own in [&few[..], &many[..]] {
        let (found, read) = find_work(&mut connection, &schema, own, 16).await;
        assert_eq!(found, 3 * 16);
        assert!(read < 380, "{read} entries read of {} definitions, for {found}", own.len());
    }

    // A row names the transaction that has locked it last, and the one that has written it. For claimed runs both are
    // the same.
    let locked = format!(
        "SELECT count(*) FROM {}.workflow_runs WHERE xmax::text NOT IN ('0', xmin::text)",
        schema.name()
    );
    assert_eq!(number(&mut connection, &locked).await, 0, "a claim locked runs that it did not claim");
}

/// Jobs that wait for their instant, for example after a long backoff, at several priorities.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_that_are_due_in_a_week_cost_a_claim_nothing() {
    needs_postgres!("jobs_that_are_due_in_a_week_cost_a_claim_nothing");
    let schema = Schema::new();
    schema.open().await.close().await;
    let mut connection = schema.connect().await;
    fill(&mut connection, schema.name(), "one", 5).await;
    // Moved out and in again: the index would keep the entries of updated rows for as long as any session of the server may
    // see them.
    let keep = format!(
        "CREATE TEMP TABLE jobs AS TABLE {0}.workflow_job_queue;
        UPDATE jobs SET run_at = now() + interval '7 days';
        UPDATE jobs SET run_at = now() WHERE (workflow_run_id, status, priority) IN (
            SELECT DISTINCT ON (status) workflow_run_id, status, 5 FROM jobs WHERE priority = 5);
        TRUNCATE {0}.workflow_job_queue;
        INSERT INTO {0}.workflow_job_queue TABLE jobs;
        UPDATE {0}.workflow_runs SET status = 'CANCELLED' WHERE status = 'PENDING'",
        schema.name()
    );
    sqlx::raw_sql(AssertSqlSafe(keep)).execute(&mut connection).await.unwrap();
    let before = read(&mut connection, schema.name()).await;
    let store = PostgresStore::open(schema.options_at(&named_url(&schema))).await.unwrap();
    let own = ["one".to_owned()];
    let claimed = store.claim_jobs(&claim(), &own, 16).await.unwrap();
    assert_eq!(claimed.len(), 2, "the due job and the due check");
    assert!(store.next_job_due(&own).await.unwrap().is_some(), "the others are due in a week");
    store.close().await;
    let after = read(&mut connection, schema.name()).await;
    let read = after.values().sum::<i64>() - before.values().sum::<i64>();
    assert!(read < 60, "{read} entries read past {} jobs that are not due", 2 * WAITING);
}
