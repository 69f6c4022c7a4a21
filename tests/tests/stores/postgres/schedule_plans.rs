//! Reads of schedules use indexes: finding those that are due costs the same beside any number of others.

use sqlx::{AssertSqlSafe, Connection};
use tests::postgres::Schema;
use workflow_engine::Schedule;
use workflow_engine::kernel::TickSchedules;
use workflow_engine::prelude::*;

use super::fixture::named_url;
use super::list_plans::{connect, rows_read};

#[stage]
async fn double(number: u32) -> StageResult<u32> {
    Ok(number * 2)
}

workflow! { Doubling = double }

/// The schedules that are not due: paused, blocked by nothing, or due in years.
const SCHEDULES: u32 = 20_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_due_is_read_by_an_index() {
    needs_postgres!("what_is_due_is_read_by_an_index");
    let schema = Schema::new();
    let options = || schema.options_at(&named_url(&schema));
    let build = || Engine::builder(options()).register::<Doubling>().without_worker().build();
    let engine = build().await.unwrap();
    let schedule = Schedule::cron("nightly", "0 2 1 1 *");
    let schedule = schedule.start::<Doubling>(DoubleInput { number: 21 }).unwrap();
    engine.schedules().put(schedule).await.unwrap();
    engine.shutdown().await;

    let mut side = connect(&schema).await;
    let copy = format!(
        "INSERT INTO workflow_schedules (id, workflow_id, schedule, state, version, next_at, due_at, written_at)
        SELECT 'copy-' || n, workflow_id, schedule, state, 1, next_at,
            CASE WHEN n % 2 = 0 THEN due_at + interval '10 years' END, written_at
        FROM generate_series(1, {SCHEDULES}) AS n CROSS JOIN workflow_schedules;
        ANALYZE"
    );
    sqlx::raw_sql(AssertSqlSafe(copy)).execute(&mut side).await.unwrap();
    side.close().await.unwrap();

    let before = rows_read(&schema).await;
    let engine = build().await.unwrap();
    for _ in 0..10 {
        engine.dispatch(TickSchedules::default()).await.unwrap();
        let waits = engine.kernel().store().schedule_waits(&["doubling".to_owned()]).await.unwrap();
        assert!(waits.next_due.is_some() && waits.runs.is_empty());
    }
    assert_eq!(engine.schedules().get("nightly").await.unwrap().next.len(), 5);
    assert_eq!(engine.schedules().list().limit(50).await.unwrap().items.len(), 50);
    engine.shutdown().await;
    let after = rows_read(&schema).await;

    assert!(after[0] - before[0] < 100, "a table is scanned: {} rows", after[0] - before[0]);
    assert!(after[1] - before[1] < 200, "{} rows were read by indexes", after[1] - before[1]);
}
