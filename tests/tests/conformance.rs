//! Runs the conformance suite on every store.

use std::sync::Arc;

use libtest_mimic::{Arguments, Trial};
use sqlx::postgres::PgPoolOptions;
use tests::postgres::{self, Schema};
use tests::stored::{self, Database};
use workflow_engine::ports::Store;
use workflow_engine::stores::{MemoryStore, PostgresOptions, PostgresStore, SqliteOptions, SqliteStore};
use workflow_engine::testing::FakeClock;
use workflow_engine::testing::conformance::{Case, cases};

fn main() {
    let stores = cases().flat_map(|case| {
        let memory = Trial::test(format!("memory::{}", case.name()), move || {
            run(async move {
                let clock = FakeClock::new();
                let store = MemoryStore::new(Arc::new(clock.clone()));
                check(case, Arc::new(store), clock, None).await;
            });
            Ok(())
        });
        let sqlite = Trial::test(format!("sqlite::{}", case.name()), move || {
            run(async move {
                let directory = tempfile::tempdir().unwrap();
                let clock = FakeClock::new();
                let path = directory.path().join("store.db");
                let mut options = SqliteOptions::new(path.to_str().unwrap());
                options.clock = Arc::new(clock.clone());
                let store = SqliteStore::open(options).await.unwrap();
                let tables = Database::sqlite(path.to_str().unwrap()).await;
                check(case, Arc::new(store), clock, Some(tables)).await;
            });
            Ok(())
        });
        let name = format!("postgres::{}", case.name());
        let postgres = Trial::test(name.clone(), move || {
            if postgres::is_available(&name) {
                run(async move {
                    let clock = FakeClock::new();
                    let schema = Schema::new();
                    let mut options = schema.options();
                    options.clock = Some(Arc::new(clock.clone()));
                    let store = PostgresStore::open(options).await.unwrap();
                    postgres::wait_until_listening(&store).await;
                    check(case, Arc::new(store), clock, Some(Database::of(&schema).await)).await;
                });
            }
            Ok(())
        });
        let name = format!("postgres_pool::{}", case.name());
        let shared_pool = Trial::test(name.clone(), move || {
            if postgres::is_available(&name) {
                run(async move {
                    let clock = FakeClock::new();
                    let schema = Schema::new();
                    let pool = PgPoolOptions::new().max_connections(4).connect(schema.url()).await.unwrap();
                    let mut options = PostgresOptions::from_pool(pool.clone());
                    schema.name().clone_into(&mut options.schema);
                    options.clock = Some(Arc::new(clock.clone()));
                    let store = PostgresStore::open(options).await.unwrap();
                    postgres::wait_until_listening(&store).await;
                    check(case, Arc::new(store), clock, Some(Database::of(&schema).await)).await;
                    pool.close().await;
                });
            }
            Ok(())
        });
        [memory, sqlite, postgres, shared_pool]
    });
    libtest_mimic::run(&Arguments::from_args(), stores.collect()).exit();
}

fn run(case: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.unwrap().block_on(case);
}

/// Runs a case, checks the rows that it leaves, and closes the store.
async fn check(case: Case, store: Arc<dyn Store>, clock: FakeClock, tables: Option<Database>) {
    case.run(Arc::clone(&store), clock).await;
    if let Some(mut tables) = tables {
        stored::check_store(&mut tables).await;
        tables.close().await;
    }
    store.close().await;
}
