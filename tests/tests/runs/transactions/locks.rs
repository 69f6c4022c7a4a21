//! Statements that wait for locks of other sessions on PostgreSQL: no attempt is lost, and other work is not delayed.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use sqlx::{AssertSqlSafe, PgConnection};
use tests::events::{names, wait_for};
use tests::postgres::{self, Schema};
use tests::returned::wait_for_return;
use tests::transfer::{DebitInput, transfer};
use workflow_engine::ports::{JobTransport, Persistence, Store, SystemClock};
use workflow_engine::prelude::*;
use workflow_engine::records::EventKind;
use workflow_engine::stores::PostgresStore;
use workflow_engine::testing::FakeClock;
use workflow_engine::{EngineBuilder, Statement};

const LEASE: Duration = Duration::from_secs(15);

pub(crate) async fn run(connection: &mut PgConnection, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await.unwrap();
}

/// Creates the table of the bookings, and locks it as `CREATE INDEX` does.
pub(crate) async fn locked_bookings(schema: &Schema) -> (PgConnection, String) {
    let mut other = schema.connect().await;
    let bookings = format!("{}.bookings", schema.name());
    run(&mut other, format!("CREATE TABLE {bookings} (run TEXT, stage TEXT, cents BIGINT)")).await;
    run(&mut other, format!("BEGIN; LOCK TABLE {bookings} IN SHARE MODE")).await;
    (other, bookings)
}

/// Waits until this many sessions wait for a lock on the table.
pub(crate) async fn wait_for_waiters(other: &mut PgConnection, table: &str, count: i64) {
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = $1::regclass";
    let waiting = || sqlx::query_as::<_, (i64,)>(waiting).bind(table);
    while waiting().fetch_one(&mut *other).await.unwrap().0 < count {
        tokio::task::yield_now().await;
    }
}

/// A table is locked for ten leases, while the worker lives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_lock_on_a_table_costs_no_attempt() {
    if !postgres::is_available("a_long_lock_on_a_table_costs_no_attempt") {
        return;
    }
    let (schema, clock) = (Schema::new(), FakeClock::new());
    let mut options = schema.options();
    options.clock = Some(Arc::new(clock.clone()));
    let store = Arc::new(PostgresStore::open(options).await.unwrap());
    let (mut other, bookings) = locked_bookings(&schema).await;
    let engine = EngineBuilder::with_store(Arc::clone(&store) as Arc<dyn Store>, Arc::new(clock.clone()))
        .register::<transfer>()
        .lease(LEASE)
        .build()
        .await
        .unwrap();
    let run_handle =
        engine.start::<transfer>(DebitInput { bookings: bookings.clone(), cents: 5 }).await.unwrap();
    wait_for_waiters(&mut other, &bookings, 1).await;
    let first_end = store.next_lease_end().await.unwrap().unwrap();
    for _ in 0..30 {
        let before = store.next_lease_end().await.unwrap();
        clock.advance(LEASE / 3);
        while store.next_lease_end().await.unwrap() == before {
            tokio::task::yield_now().await;
        }
    }
    assert!(store.next_lease_end().await.unwrap().unwrap() >= first_end + LEASE * 9, "the lease is renewed");
    run(&mut other, "ROLLBACK".into()).await;
    assert_eq!(run_handle.output().await.unwrap(), 5);
    for stage in store.stages(run_handle.id()).await.unwrap() {
        assert_eq!(stage.attempt, 1, "no attempt was lost");
    }
    assert!(!names(&run_handle).await.contains(&"stage:retrying"));
    engine.shutdown().await;
}

#[stage]
async fn add(number: u32) -> StageResult<u32> {
    Ok(number + 1)
}

workflow! { adding = add }

fn engine(store: Arc<dyn Store>) -> EngineBuilder {
    EngineBuilder::with_store(store, Arc::new(SystemClock)).register::<transfer>().register::<adding>()
}

/// Forty stages wait for one lock, many more than there are connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stages_that_wait_for_a_lock_do_not_delay_other_workflows() {
    if !postgres::is_available("stages_that_wait_for_a_lock_do_not_delay_other_workflows") {
        return;
    }
    let schema = Schema::new();
    let store: Arc<dyn Store> = Arc::new(schema.open().await);
    let (mut other, bookings) = locked_bookings(&schema).await;
    let free = format!("{}.free", schema.name());
    run(&mut other, "ROLLBACK".into()).await;
    run(&mut other, format!("CREATE TABLE {free} (run TEXT, stage TEXT, cents BIGINT)")).await;
    run(&mut other, format!("BEGIN; LOCK TABLE {bookings} IN SHARE MODE")).await;
    let engine = engine(store).concurrency(200).build().await.unwrap();
    let blocked =
        (0..40).map(|_| engine.start::<transfer>(DebitInput { bookings: bookings.clone(), cents: 5 }));
    let blocked: Vec<_> = join_all(blocked.map(IntoFuture::into_future)).await;
    wait_for_waiters(&mut other, &bookings, 3).await;

    // Other workflows complete while the lock is held, also those with statements on other tables.
    let engine = &engine;
    let chains = (0..60).map(|number| async move {
        let run = engine.start::<adding>(AddInput { number }).await.unwrap();
        assert_eq!(run.output().await.unwrap(), number + 1);
    });
    let transfers = (0..10).map(|_| async {
        let input = DebitInput { bookings: free.clone(), cents: 5 };
        assert_eq!(engine.start::<transfer>(input).await.unwrap().output().await.unwrap(), 5);
    });
    tokio::join!(join_all(chains), join_all(transfers));
    for run in &blocked {
        assert_eq!(run.as_ref().unwrap().status().await.unwrap(), Status::Running);
    }
    run(&mut other, "ROLLBACK".into()).await;
    for run in blocked {
        assert_eq!(run.unwrap().output().await.unwrap(), 5);
    }
    engine.shutdown().await;
}

/// Takes two rows, in the order of the input.
#[stage(retry(max_attempts = 1))]
async fn take(table: String, first: u32, second: u32, ctx: &StageContext) -> StageResult<()> {
    let update = format!("UPDATE {table} SET count = count + 1 WHERE id = $1");
    ctx.transaction()
        .execute(Statement::new(&update).bind(first))?
        .execute(Statement::new(&update).bind(second))?;
    Ok(())
}

workflow! { taking = take }

/// The server looks for deadlocks after one second; a hundred of them would take minutes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stages_that_take_rows_in_opposite_order_complete_quickly() {
    const STAGES: u32 = 100;
    if !postgres::is_available("stages_that_take_rows_in_opposite_order_complete_quickly") {
        return;
    }
    let schema = Schema::new();
    let store: Arc<dyn Store> = Arc::new(schema.open().await);
    let table = format!("{}.counts", schema.name());
    let mut other = schema.connect().await;
    run(&mut other, format!("CREATE TABLE {table} (id BIGINT PRIMARY KEY, count BIGINT)")).await;
    run(&mut other, format!("INSERT INTO {table} VALUES (0, 0), (1, 0)")).await;
    let engine = engine(store).register::<taking>().concurrency(32).build().await.unwrap();
    let outputs = (0..STAGES).map(|number| {
        let (first, second) = (number % 2, (number + 1) % 2);
        let started = engine.start::<taking>(TakeInput { table: table.clone(), first, second });
        async move { started.await.unwrap().output().await }
    });
    let outputs = tokio::time::timeout(Duration::from_secs(90), join_all(outputs)).await;
    for output in outputs.expect("deadlocks delay the stages") {
        output.unwrap();
    }
    let counts: Vec<(i64,)> = sqlx::query_as(AssertSqlSafe(format!("SELECT count FROM {table}")))
        .fetch_all(&mut other)
        .await
        .unwrap();
    assert_eq!(counts, [(i64::from(STAGES),), (i64::from(STAGES),)], "each stage has taken both rows once");
    engine.shutdown().await;
}

/// A statement that waits for longer than the limit fails its attempt by name. The next attempt gets the lock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_waits_too_long_fails_its_attempt_by_name() {
    if !postgres::is_available("a_statement_that_waits_too_long_fails_its_attempt_by_name") {
        return;
    }
    let schema = Schema::new();
    let mut options = schema.options();
    options.statement_lock_wait = Duration::from_millis(300);
    let store: Arc<dyn Store> = Arc::new(PostgresStore::open(options).await.unwrap());
    let (mut other, bookings) = locked_bookings(&schema).await;
    let engine = engine(store).build().await.unwrap();
    let handle = engine.start::<transfer>(DebitInput { bookings, cents: 5 }).await.unwrap();
    let retrying = wait_for(&handle, |kind| matches!(kind, EventKind::StageRetrying { .. })).await;
    let EventKind::StageRetrying { error, .. } = retrying else { unreachable!() };
    let expected =
        "statement 1 of 1 waited 300ms for locks of other sessions, the limit `statement_lock_wait`: ";
    assert!(error.starts_with(expected), "{error}");
    run(&mut other, "ROLLBACK".into()).await;
    assert_eq!(handle.output().await.unwrap(), 5);
    engine.shutdown().await;
}

/// The engine's rows are not locked while a statement waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_cancelled_and_an_engine_stops_while_a_statement_waits() {
    if !postgres::is_available("a_run_is_cancelled_and_an_engine_stops_while_a_statement_waits") {
        return;
    }
    let schema = Schema::new();
    let store: Arc<dyn Store> = Arc::new(schema.open().await);
    let (mut other, bookings) = locked_bookings(&schema).await;
    let engine = engine(Arc::clone(&store)).drain_timeout(Duration::ZERO).build().await.unwrap();
    let cancelled =
        engine.start::<transfer>(DebitInput { bookings: bookings.clone(), cents: 5 }).await.unwrap();
    wait_for_waiters(&mut other, &bookings, 1).await;
    cancelled.cancel("no longer wanted").await.unwrap();
    assert_eq!(cancelled.status().await.unwrap(), Status::Cancelled);

    let kept = engine.start::<transfer>(DebitInput { bookings: bookings.clone(), cents: 7 }).await.unwrap();
    wait_for_waiters(&mut other, &bookings, 1).await;
    engine.drain().await;
    let stage = wait_for_return(&*store, kept.id()).await.unwrap();
    assert_eq!((stage.status, stage.attempt), (Status::Pending, 0), "the attempt does not count");
    run(&mut other, "ROLLBACK".into()).await;
    store.close().await;
    let count: (i64,) = sqlx::query_as(AssertSqlSafe(format!("SELECT count(*) FROM {bookings}")))
        .fetch_one(&mut other)
        .await
        .unwrap();
    assert_eq!(count.0, 0, "nothing of a cancelled run or a returned job is committed");
}

/// Counts up one row, by a statement of its own.
#[stage(retry(max_attempts = 1))]
async fn count(table: String, row: u32, comment: String, ctx: &StageContext) -> StageResult<()> {
    let update = format!("UPDATE {table} SET count = count + 1 WHERE id = $1 -- {comment}");
    ctx.transaction().execute(Statement::new(update).bind(row))?;
    Ok(())
}

workflow! { counting = count }

/// Waits until the session `pid` blocks another one, or blocks none any more.
async fn wait_until_blocking(pid: i32, is_blocking: bool, other: &mut PgConnection) {
    let blocked = "SELECT count(*) > 0 FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid))";
    let blocked = || sqlx::query_scalar::<_, bool>(blocked).bind(pid);
    while blocked().fetch_one(&mut *other).await.unwrap() != is_blocking {
        tokio::task::yield_now().await;
    }
}

/// Forty stages wait for a lock of another program. One stage meets another lock for a moment, so it has to try again;
/// it must not wait for a try of each of the forty.
async fn a_brief_wait_stays_brief(comment: impl Fn(u32) -> String, tables: [&str; 2]) {
    const BLOCKED: u32 = 40;
    let schema = Schema::new();
    let store = Arc::new(schema.open().await);
    let [locked, free] = tables.map(|table| format!("{}.{table}", schema.name()));
    let (mut long, mut brief, mut other) =
        (schema.connect().await, schema.connect().await, schema.connect().await);
    for table in [&locked, &free] {
        run(&mut other, format!("CREATE TABLE IF NOT EXISTS {table} (id BIGINT, count BIGINT)")).await;
    }
    run(&mut other, format!("INSERT INTO {locked} VALUES (0, 0); INSERT INTO {free} VALUES (1, 0)")).await;
    run(&mut long, format!("BEGIN; UPDATE {locked} SET count = 9 WHERE id = 0")).await;
    run(&mut brief, format!("BEGIN; UPDATE {free} SET count = 9 WHERE id = 1")).await;
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut brief).await.unwrap();

    let shared = Arc::clone(&store) as Arc<dyn Store>;
    let engine = engine(shared).register::<counting>().concurrency(64).build().await.unwrap();
    let mut blocked = Vec::new();
    for number in 0..BLOCKED {
        let input = CountInput { table: locked.clone(), row: 0, comment: comment(number) };
        blocked.push(engine.start::<counting>(input).await.unwrap());
    }
    // Each of them has tried several times.
    let begun = store.statistics().transactions;
    while store.statistics().transactions < begun + u64::from(BLOCKED) * 3 {
        tokio::task::yield_now().await;
    }
    let input = CountInput { table: free.clone(), row: 1, comment: comment(BLOCKED) };
    let unrelated = engine.start::<counting>(input).await.unwrap();
    wait_until_blocking(pid, true, &mut other).await;
    wait_until_blocking(pid, false, &mut other).await;
    run(&mut brief, "ROLLBACK".into()).await;

    let before = store.statistics().transactions;
    unrelated.output().await.unwrap();
    let transactions = store.statistics().transactions - before;
    assert!(transactions < u64::from(BLOCKED) / 2, "it has waited for {transactions} transactions");
    for run in &blocked {
        assert_eq!(run.status().await.unwrap(), Status::Running);
    }
    run(&mut long, "ROLLBACK".into()).await;
    for run in blocked {
        run.output().await.unwrap();
    }
    engine.shutdown().await;
}

/// All of them carry the same statement, on different rows of one table.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stage_does_not_wait_behind_stages_that_wait_for_another_row() {
    if !postgres::is_available("a_stage_does_not_wait_behind_stages_that_wait_for_another_row") {
        return;
    }
    a_brief_wait_stays_brief(|_| "one statement".into(), ["counts", "counts"]).await;
}

/// Each of them carries a statement of its own, and one of two tables is locked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stage_does_not_wait_behind_stages_that_wait_for_another_table() {
    if !postgres::is_available("a_stage_does_not_wait_behind_stages_that_wait_for_another_table") {
        return;
    }
    a_brief_wait_stays_brief(|number| number.to_string(), ["locked", "free"]).await;
}
