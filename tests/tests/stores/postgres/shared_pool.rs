//! Stores that share a pool of the program.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool, Row};
use tests::postgres::Schema;
use tokio::time::timeout;
use workflow_engine::prelude::*;
use workflow_engine::stores::{PostgresOptions, PostgresStore};
use workflow_engine::{ErrorCode, Statement};

use super::fixture::{TIMEOUT, claim, complete, definitions, due, running};
use workflow_engine::ports::{Commit, JobTransport, Persistence};

/// What the store sets for its own statements, as a session of the program sees it.
const SETTINGS: &str = "
    SELECT concat_ws(' ', current_setting('enable_seqscan'), current_setting('enable_hashjoin'),
        current_setting('plan_cache_mode'), current_setting('statement_timeout'), current_setting('lock_timeout'),
        current_setting('idle_in_transaction_session_timeout'), current_setting('application_name'),
        (SELECT count(*) FROM pg_prepared_statements), pg_current_xact_id_if_assigned() IS NULL)";
const UNTOUCHED: &str = "on on auto 1min 0 0 shop 0 t";

async fn pool(schema: &Schema, connections: u32) -> PgPool {
    let options = schema.url().parse::<sqlx::postgres::PgConnectOptions>().unwrap();
    let options = options.application_name("shop").options([("statement_timeout", "1min")]);
    PgPoolOptions::new().max_connections(connections).connect_with(options).await.unwrap()
}

fn options(schema: &Schema, pool: &PgPool) -> PostgresOptions {
    let mut options = PostgresOptions::from_pool(pool.clone());
    schema.name().clone_into(&mut options.schema);
    options
}

/// Checks that every connection of the pool is as the program has opened it, and in no transaction.
async fn check_sessions(pool: &PgPool) {
    let all = (0..pool.options().get_max_connections()).map(|_| pool.acquire());
    for connection in join_all(all).await {
        let mut connection = connection.unwrap();
        let row = sqlx::raw_sql(SETTINGS).fetch_one(&mut *connection).await.unwrap();
        assert_eq!(row.get::<String, _>(0), UNTOUCHED);
    }
}

#[stage]
async fn ship(
    order: i64,
    #[state] db: &PgPool,
    #[config] table: String,
    ctx: &StageContext,
) -> StageResult<i64> {
    let select = AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
    let orders: i64 = sqlx::query_scalar(select).persistent(false).fetch_one(db).await?;
    let update = Statement::new(format!("UPDATE {table} SET state = 'shipped' WHERE id = $1")).bind(order);
    ctx.transaction().execute(update.expect_rows(1))?;
    Ok(orders)
}

workflow! { Shipping = ship }

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_and_its_engine_share_one_pool() {
    needs_postgres!("a_program_and_its_engine_share_one_pool");
    let schema = Schema::new();
    let pool = pool(&schema, 4).await;
    let engine = Engine::builder(options(&schema, &pool)).register::<Shipping>().state(pool.clone());
    let engine = engine.build().await.unwrap();
    let table = format!("{}.orders", schema.name());
    let create = format!("CREATE TABLE {table} (id BIGINT PRIMARY KEY, state TEXT NOT NULL)");
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&pool).await.unwrap();

    // More orders than connections, each in the program's own transaction, with the run that ships it.
    let shipped = (0..12).map(async |order: i64| {
        let mut transaction = pool.begin().await.unwrap();
        let insert = AssertSqlSafe(format!("INSERT INTO {table} VALUES ($1, 'ordered')"));
        sqlx::query(insert).persistent(false).bind(order).execute(&mut *transaction).await.unwrap();
        let start = engine.start::<Shipping>(ShipInput { order });
        let start = start.config(ShippingConfig { ship: ShipConfig { table: table.clone() } });
        let run = start.in_transaction(&mut transaction).await.unwrap();
        transaction.commit().await.unwrap();
        run.output().await.unwrap()
    });
    assert!(join_all(shipped).await.into_iter().all(|orders| (1..=12).contains(&orders)));
    assert!(pool.size() <= 4);
    engine.shutdown().await;

    // The pool is the program's: it is open, and as it was.
    check_sessions(&pool).await;
    let count = AssertSqlSafe(format!("SELECT count(*) FROM {table} WHERE state = 'shipped'"));
    assert_eq!(sqlx::query_scalar::<_, i64>(count).fetch_one(&pool).await.unwrap(), 12);
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stores_on_pools_notice_each_other_s_commits() {
    needs_postgres!("stores_on_pools_notice_each_other_s_commits");
    let schema = Schema::new();
    let pools = [pool(&schema, 3).await, pool(&schema, 3).await];
    let first = PostgresStore::open(options(&schema, &pools[0])).await.unwrap();
    let second = PostgresStore::open(options(&schema, &pools[1])).await.unwrap();
    let mut external = second.hints().watch_external();
    let started = running(&first).await;
    timeout(TIMEOUT, external.changed()).await.expect("it notices the other's commit").unwrap();
    let _ = started;
    first.close().await;
    second.close().await;
    for pool in &pools {
        check_sessions(pool).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_callers_share_two_connections() {
    needs_postgres!("many_callers_share_two_connections");
    let schema = Schema::new();
    let pool = pool(&schema, 2).await;
    let store = Arc::new(PostgresStore::open(options(&schema, &pool)).await.unwrap());
    let work = (0..8).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for _ in 0..4 {
                due(&*store).await;
                for job in store.claim_jobs(&claim(), &definitions(), 3).await.unwrap() {
                    assert!(matches!(store.commit(complete(&job)).await.unwrap(), Commit::Applied(_)));
                }
            }
        })
    });
    join_all(work.collect::<Vec<_>>()).await.into_iter().for_each(Result::unwrap);
    store.close().await;
    assert!(pool.size() <= 2);
    check_sessions(&pool).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_in_doubt_does_not_return_to_the_pool() {
    needs_postgres!("a_connection_in_doubt_does_not_return_to_the_pool");
    let schema = Schema::new();
    let pool = pool(&schema, 3).await;
    let mut options = options(&schema, &pool);
    options.transaction_timeout = Duration::from_millis(200);
    let store = PostgresStore::open(options).await.unwrap();
    let run = running(&store).await;
    let mut lock = pool.begin().await.unwrap();
    let table = format!("LOCK TABLE {}.workflow_runs IN ACCESS EXCLUSIVE MODE", schema.name());
    sqlx::raw_sql(AssertSqlSafe(table)).execute(&mut *lock).await.unwrap();
    let blocked = store.commit(complete(&run)).await;
    assert!(blocked.is_err_and(|error| error.is_retryable()), "the store does not wait for ever");
    lock.rollback().await.unwrap();
    check_sessions(&pool).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pool_that_a_store_cannot_use_is_refused() {
    needs_postgres!("a_pool_that_a_store_cannot_use_is_refused");
    let schema = Schema::new();
    let single = pool(&schema, 1).await;
    let error = PostgresStore::open(options(&schema, &single)).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidSetting);
    assert!(error.to_string().contains("`max_connections of the pool` is 1"), "{error}");

    let mut both = options(&schema, &pool(&schema, 2).await);
    both.url = schema.url().to_owned();
    let error = PostgresStore::open(both).await.unwrap_err();
    assert!(error.to_string().contains("leave the URL empty"), "{error}");

    let read = schema.url().parse::<sqlx::postgres::PgConnectOptions>().unwrap();
    let read = read.options([("default_transaction_read_only", "on")]);
    let reading = PgPoolOptions::new().max_connections(2).connect_with(read).await.unwrap();
    let error = PostgresStore::open(options(&schema, &reading)).await.unwrap_err();
    assert!(error.to_string().contains("its sessions are read-only"), "{error}");

    let closed = pool(&schema, 2).await;
    let store = PostgresStore::open(options(&schema, &closed)).await.unwrap();
    closed.close().await;
    let error = store.pending_runs(&[], 1).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    store.close().await;
}
