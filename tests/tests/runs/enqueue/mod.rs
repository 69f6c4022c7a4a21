//! Runs that a program enqueues in transactions of its own: with its own rows on SQLite and PostgreSQL, and from SQL.

mod from_sql;

use std::sync::LazyLock;

use sqlx::{Connection, PgConnection, SqliteConnection};
use tests::postgres::{Schema, is_available};
use tokio::sync::watch;
use workflow_engine::prelude::*;
use workflow_engine::serverless::{MaintenanceTick, ServerlessSettings};
use workflow_engine::stores::ProgramTransaction;
use workflow_engine::{EngineBuilder, Error, ErrorCode};

/// The orders that were shipped, by all engines of this program.
static SHIPPED: LazyLock<watch::Sender<Vec<String>>> = LazyLock::new(|| watch::Sender::new(Vec::new()));

#[stage]
async fn ship(order: String, #[config(default = 1, range(1..=9))] parcels: u32) -> StageResult<String> {
    SHIPPED.send_modify(|shipped| shipped.push(order.clone()));
    Ok(format!("{order} in {parcels}"))
}

workflow! { Shipping = ship }

fn order(order: &str) -> ShipInput {
    ShipInput { order: order.into() }
}

fn parcels(parcels: u32) -> ShippingConfig {
    ShippingConfig { ship: ShipConfig { parcels } }
}

/// Waits until a worker has shipped the order, without a handle of its run.
async fn shipped(order: &str) {
    let mut shipped = SHIPPED.subscribe();
    shipped.wait_for(|shipped| shipped.iter().any(|shipped| shipped == order)).await.unwrap();
}

fn count_of(order: &str) -> usize {
    SHIPPED.borrow().iter().filter(|shipped| *shipped == order).count()
}

/// A program's database with its table `orders`, for one of the two kinds.
macro_rules! on_both {
    ($($test:ident)*) => {
        mod sqlite {
            use super::*;

            $(
                #[tokio::test]
                async fn $test() {
                    let folder = tempfile::tempdir().unwrap();
                    let path = folder.path().join("shop.db").to_str().unwrap().to_owned();
                    // The engine's tables exist before a transaction uses them.
                    Engine::builder(&path).build().await.unwrap().shutdown().await;
                    let mut program = SqliteConnection::connect(&format!("sqlite://{path}")).await.unwrap();
                    sqlx::raw_sql("CREATE TABLE orders (id TEXT)").execute(&mut program).await.unwrap();
                    super::$test(&|| Engine::builder(&path), &mut program, concat!("sqlite ", stringify!($test))).await;
                }
            )*
        }

        mod postgres {
            use super::*;

            $(
                #[tokio::test]
                async fn $test() {
                    if !is_available(stringify!($test)) {
                        return;
                    }
                    let schema = Schema::new();
                    Engine::builder(schema.options()).build().await.unwrap().shutdown().await;
                    let mut program = schema.connect().await;
                    sqlx::raw_sql("CREATE TEMPORARY TABLE orders (id TEXT)").execute(&mut program).await.unwrap();
                    super::$test(&|| Engine::builder(schema.options()), &mut program, concat!("postgres ", stringify!($test))).await;
                }
            )*
        }
    };
}

on_both! {
    a_run_exists_if_and_only_if_the_transaction_of_the_program_commits
    a_key_starts_one_run_whether_it_is_enqueued_or_created
    input_and_configuration_are_checked_before_the_transaction_is_touched
    the_handle_creates_the_run_where_there_is_no_worker
    a_maintenance_tick_creates_enqueued_runs
    two_workers_create_each_run_once
}

/// The program's connection, of one kind or the other.
trait Program: ProgramTransaction {
    async fn run(&mut self, sql: &'static str);
    async fn orders(&mut self) -> i64;
}

impl Program for SqliteConnection {
    async fn run(&mut self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(self).await.unwrap();
    }

    async fn orders(&mut self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM orders").fetch_one(self).await.unwrap()
    }
}

impl Program for PgConnection {
    async fn run(&mut self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(self).await.unwrap();
    }

    async fn orders(&mut self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM orders").fetch_one(self).await.unwrap()
    }
}

async fn build(builder: EngineBuilder) -> Engine {
    builder.register::<Shipping>().build().await.unwrap()
}

fn is_missing(status: Result<Status, Error>) -> bool {
    status.is_err_and(|error| error.code() == ErrorCode::RunNotFound)
}

async fn a_run_exists_if_and_only_if_the_transaction_of_the_program_commits(
    builder: &dyn Fn() -> EngineBuilder,
    program: &mut impl Program,
    name: &str,
) {
    let engine = build(builder()).await;
    program.run("BEGIN; INSERT INTO orders VALUES ('undone')").await;
    let undone =
        engine.start::<Shipping>(order(&format!("{name} undone"))).in_transaction(program).await.unwrap();
    assert!(is_missing(undone.status().await), "it is not committed");
    program.run("ROLLBACK").await;

    program.run("BEGIN; INSERT INTO orders VALUES ('done')").await;
    let start =
        engine.start::<Shipping>(order(name)).config(parcels(3)).priority(8).metadata("m").tag("kind", "new");
    let run = start.in_transaction(program).await.unwrap();
    assert!(is_missing(run.status().await), "it is not committed");
    program.run("COMMIT").await;

    // The worker finds it by itself.
    shipped(name).await;
    assert_eq!(run.output().await.unwrap(), format!("{name} in 3"));
    assert_eq!(run.record().await.unwrap().priority, 8);
    assert_eq!(program.orders().await, 1);
    assert!(is_missing(undone.status().await));
    assert_eq!((count_of(name), count_of(&format!("{name} undone"))), (1, 0));
    engine.shutdown().await;
}

async fn a_key_starts_one_run_whether_it_is_enqueued_or_created(
    builder: &dyn Fn() -> EngineBuilder,
    program: &mut impl Program,
    name: &str,
) {
    let engine = build(builder()).await;
    let start = |input: &str| engine.start::<Shipping>(order(input)).idempotency_key("order-7");
    program.run("BEGIN").await;
    let first = start(name).in_transaction(program).await.unwrap();
    let again = start(name).in_transaction(program).await.unwrap();
    assert_eq!(again.id(), first.id(), "within the transaction");
    let other = start("another order").in_transaction(program).await.map(|run| run.id()).unwrap_err();
    assert_eq!(other.code(), ErrorCode::IdempotencyConflict);
    program.run("COMMIT").await;
    first.output().await.unwrap();

    // The run was created meanwhile.
    program.run("BEGIN").await;
    assert_eq!(start(name).in_transaction(program).await.unwrap().id(), first.id());
    let other = start("another order").in_transaction(program).await.map(|run| run.id()).unwrap_err();
    assert_eq!(other.code(), ErrorCode::IdempotencyConflict);
    program.run("COMMIT").await;
    assert_eq!(start(name).await.unwrap().id(), first.id(), "a start outside of a transaction");
    assert_eq!(count_of(name), 1);

    // A key that another start has used.
    let direct = engine.start::<Shipping>(order(name)).idempotency_key("order-8").await.unwrap();
    program.run("BEGIN").await;
    let start = engine.start::<Shipping>(order(name)).idempotency_key("order-8");
    assert_eq!(start.in_transaction(program).await.unwrap().id(), direct.id());
    program.run("COMMIT").await;
    direct.output().await.unwrap();
    engine.shutdown().await;
    assert_eq!(count_of(name), 2);
}

async fn input_and_configuration_are_checked_before_the_transaction_is_touched(
    builder: &dyn Fn() -> EngineBuilder,
    program: &mut impl Program,
    name: &str,
) {
    let engine = build(builder()).await;
    program.run("BEGIN; INSERT INTO orders VALUES ('kept')").await;
    let start = engine.start::<Shipping>(order(name)).config(parcels(10));
    let refused = start.in_transaction(program).await.map(|run| run.id()).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidConfig);
    let start = engine.start::<Shipping>(order(name)).idempotency_key("");
    let refused = start.in_transaction(program).await.map(|run| run.id()).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidRequest);
    program.run("COMMIT").await;
    assert_eq!(program.orders().await, 1, "the transaction goes on");

    let memory = build(Engine::builder("memory:")).await;
    let start = memory.start::<Shipping>(order(name));
    let refused = start.in_transaction(program).await.map(|run| run.id()).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::InvalidRequest);
    engine.shutdown().await;
}

async fn the_handle_creates_the_run_where_there_is_no_worker(
    builder: &dyn Fn() -> EngineBuilder,
    program: &mut impl Program,
    name: &str,
) {
    let engine = build(builder().without_worker()).await;
    program.run("BEGIN").await;
    let run = engine.start::<Shipping>(order(name)).in_transaction(program).await.unwrap();
    program.run("COMMIT").await;
    assert_eq!(run.status().await.unwrap(), Status::Pending);
    let found = engine.run_handle::<Shipping>(run.id()).await.unwrap();
    assert_eq!(found.input().await.unwrap().order, name);
    program.run("BEGIN").await;
    let other = engine.start::<Shipping>(order(name)).in_transaction(program).await.unwrap();
    program.run("COMMIT").await;
    assert_eq!(engine.any_run(other.id()).await.unwrap().id(), other.id());
    assert!(other.cancel("one is enough").await.unwrap());

    let worker = build(builder()).await;
    assert_eq!(run.output().await.unwrap(), format!("{name} in 1"));
    worker.shutdown().await;
    engine.shutdown().await;
}

async fn a_maintenance_tick_creates_enqueued_runs(
    builder: &dyn Fn() -> EngineBuilder,
    program: &mut impl Program,
    name: &str,
) {
    let engine = build(builder().without_worker()).await;
    program.run("BEGIN").await;
    engine.start::<Shipping>(order(name)).in_transaction(program).await.unwrap();
    program.run("COMMIT").await;
    let host = engine.serverless(ServerlessSettings::default()).unwrap();
    let report = host.run_maintenance_tick(MaintenanceTick::default()).await;
    assert_eq!(report.claimed, 1, "{report:?}");
    engine.shutdown().await;
}

async fn two_workers_create_each_run_once(
    builder: &dyn Fn() -> EngineBuilder,
    program: &mut impl Program,
    name: &str,
) {
    let workers = [build(builder()).await, build(builder()).await];
    let mut runs = Vec::new();
    program.run("BEGIN").await;
    for number in 0..20 {
        let start = workers[0].start::<Shipping>(order(&format!("{name} {number}")));
        runs.push(start.in_transaction(program).await.unwrap());
    }
    program.run("COMMIT").await;
    for run in &runs {
        run.output().await.unwrap();
    }
    for number in 0..20 {
        assert_eq!(count_of(&format!("{name} {number}")), 1);
    }
    for worker in workers {
        worker.shutdown().await;
    }
}
