//! Signals, stages that wait for a person, later starts and deadlines are read by indexes: their cost does not grow with
//! the number of runs that wait.

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection, Row};
use tests::events::wait_for;
use tests::postgres::Schema;
use workflow_engine::RunId;
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;

use super::fixture::{named_url, number};

#[stage(signal = Approval, give_up_after = "7d")]
async fn ask(number: u32) -> StageResult<u32> {
    Ok(number)
}

workflow! { Asking = ask }

#[stage]
async fn work(number: u32) -> StageResult<u32> {
    Ok(number)
}

workflow! { Working = work }

/// The runs of each kind in the tables.
const RUNS: u32 = 5_000;

/// The items of a page.
const PAGE: usize = 50;

const DAY: Duration = Duration::from_secs(86_400);

/// The entries of indexes, and the rows by sequential scans, that the sessions of the schema have read.
struct Read {
    by_index: i64,
    by_scan: i64,
}

/// Returns what was read once every session under the schema's name has ended.
async fn read(schema: &Schema) -> Read {
    let mut connection = schema.connect().await;
    let sessions =
        format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{}'", schema.name());
    while number(&mut connection, &sessions).await > 0 {
        tokio::task::yield_now().await;
    }
    let mut sum = async |view: &str, column: &str| {
        let sum = format!("SELECT sum({column})::bigint FROM {view} WHERE schemaname = '{}'", schema.name());
        number(&mut connection, &sum).await
    };
    Read {
        by_index: sum("pg_stat_user_indexes", "idx_tup_read").await,
        by_scan: sum("pg_stat_user_tables", "seq_tup_read").await,
    }
}

/// Copies the rows of a run. The ids contain instants of the year 2000.
async fn copy(connection: &mut PgConnection, schema: &Schema, run_id: RunId, kind: u32) {
    let tables = [
        ("workflow_runs", "id"),
        ("workflow_stage_rows", "workflow_run_id"),
        ("workflow_job_queue", "workflow_run_id"),
        ("workflow_signals", "workflow_run_id"),
    ];
    for (table, key) in tables {
        let columns = format!(
            "SELECT string_agg(column_name, ', ') FROM information_schema.columns
            WHERE table_schema = '{}' AND table_name = '{table}' AND column_name <> '{key}'",
            schema.name()
        );
        let columns = sqlx::query(AssertSqlSafe(columns)).fetch_one(&mut *connection).await.unwrap();
        let (columns, table) = (columns.get::<String, _>(0), format!("{}.{table}", schema.name()));
        let copy = format!(
            "INSERT INTO {table} ({key}, {columns})
            SELECT (lpad(to_hex(946684800000 + {RUNS} * {kind} + n), 12, '0') || '70008000' || lpad(to_hex(n), 12, '0'))::uuid,
                {columns}
            FROM generate_series(1::bigint, {RUNS}) AS n CROSS JOIN {table} WHERE {key} = '{run_id}'"
        );
        sqlx::raw_sql(AssertSqlSafe(copy)).execute(&mut *connection).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waits_are_read_by_indexes() {
    needs_postgres!("waits_are_read_by_indexes");
    let schema = Schema::new();
    let builder = || {
        let builder = Engine::builder(schema.options_at(&named_url(&schema)));
        builder.register::<Asking>().register::<Working>()
    };
    let engine = builder().build().await.unwrap();
    let ask = || engine.start::<Asking>(AskInput { number: 7 });
    let (waiting, dated, answered) =
        (ask().await.unwrap(), ask().deadline(DAY).await.unwrap(), ask().await.unwrap());
    for run in [&waiting, &dated, &answered] {
        wait_for(run, |kind| matches!(kind, EventKind::WorkflowSuspended { .. })).await;
    }
    answered.signal::<ask>(Approval::yes()).await.unwrap();
    answered.output().await.unwrap();
    let mut more = Vec::new();
    for _ in 0..22 {
        let run = ask().await.unwrap();
        wait_for(&run, |kind| matches!(kind, EventKind::WorkflowSuspended { .. })).await;
        more.push(run.id());
    }
    let later = engine.start::<Working>(WorkInput { number: 7 }).after(DAY).await.unwrap();
    let (waiting, dated, answered, later) = (waiting.id(), dated.id(), answered.id(), later.id());
    engine.shutdown().await;

    let mut connection = schema.connect().await;
    for (run_id, kind) in [waiting, dated, answered, later].into_iter().zip(0..) {
        copy(&mut connection, &schema, run_id, kind).await;
    }
    sqlx::raw_sql("ANALYZE").execute(&mut connection).await.unwrap();

    let before = read(&schema).await;
    let engine = builder().without_worker().build().await.unwrap();
    let first = engine.approvals().limit(PAGE).await.unwrap();
    let second = engine.approvals().limit(PAGE).after(first.next.clone().unwrap()).await.unwrap();
    assert_eq!((first.len(), second.len()), (PAGE, PAGE));
    let store = engine.kernel().store();
    assert_eq!(store.signals(answered, None).await.unwrap().len(), 1);
    assert_eq!(store.next_signal(answered, &"ask".into()).await.unwrap(), None);
    let fingerprints = [Working::definition().fingerprint().to_owned()];
    assert_eq!(store.due_runs(&fingerprints, PAGE).await.unwrap(), []);
    assert_eq!(store.overdue_runs(PAGE).await.unwrap(), []);
    assert!(store.next_timer(&fingerprints).await.unwrap().is_some());
    engine.shutdown().await;
    let after = read(&schema).await;
    assert_eq!(after.by_scan - before.by_scan, 0, "a table is scanned");
    let entries = after.by_index - before.by_index;
    // An entry of the queue, one of its stage and one of its signals for each item of both pages.
    assert!(entries < 400, "{entries} entries of indexes were read");

    // A worker corrects the instants of all that waits once when it starts, so two workers are compared, of which one takes
    // more signals. Each signal is followed from its commit to the output of its run.
    let mut entries = Vec::new();
    let mut last = after;
    for signals in [&more[..1], &more[1..]] {
        let engine = builder().build().await.unwrap();
        for run_id in signals {
            let run = engine.run_handle::<Asking>(*run_id).await.unwrap();
            run.signal::<ask>(Approval::yes()).await.unwrap();
            assert!(run.output().await.unwrap().approved);
        }
        engine.shutdown().await;
        let now = read(&schema).await;
        entries.push(now.by_index - last.by_index);
        last = now;
    }
    let each = (entries[1] - entries[0]) / (i64::try_from(more.len()).unwrap() - 2);
    assert!(each < 200, "{each} entries of indexes were read for a signal: {entries:?}");
}
