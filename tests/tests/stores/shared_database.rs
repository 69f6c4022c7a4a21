//! A user's own tables and migrations beside the engine's, in one SQLite file and in one schema of PostgreSQL.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection, PgConnection, SqlSafeStr, SqliteConnection};
use tests::postgres::{Cluster, is_available};
use workflow_engine::prelude::*;
use workflow_engine::stores::{PostgresOptions, SqliteOptions};
use workflow_engine::{EngineBuilder, Statement};

/// Tables with the names that an application would take, and some that the engine's tables have without their prefix.
const USER_TABLES: &str = "
    CREATE TABLE orders (number BIGINT PRIMARY KEY, state TEXT NOT NULL);
    CREATE TABLE blobs (id BIGINT PRIMARY KEY, content TEXT);
    CREATE TABLE annotations (id BIGINT PRIMARY KEY);
    CREATE TABLE job_queue (id BIGINT PRIMARY KEY);
    CREATE TABLE outbox_events (id BIGINT PRIMARY KEY);
    CREATE TABLE idempotency_keys (id BIGINT PRIMARY KEY);
    CREATE TABLE ai_calls (id BIGINT PRIMARY KEY);
    CREATE TABLE runs (id BIGINT PRIMARY KEY);
    CREATE TABLE stages (id BIGINT PRIMARY KEY);
    CREATE TABLE migrations (id BIGINT PRIMARY KEY);
    CREATE INDEX blobs_by_run ON blobs (content);
    CREATE INDEX job_queue_pending ON job_queue (id);
    CREATE INDEX annotations_by_key ON annotations (id);
    INSERT INTO blobs VALUES (1, 'mine');";

/// PostgreSQL's composite types have names, too.
const USER_TYPES: &str = "
    CREATE TYPE job AS (id BIGINT);
    CREATE TYPE new_run AS (id BIGINT);
    CREATE TYPE new_blob AS (id BIGINT);";

const LATER: &str = "ALTER TABLE orders ADD COLUMN note TEXT";

/// Returns the user's migrations up to a version: they have the numbers and the table that the engine's would collide with.
fn migrator(version: usize, first: &'static str) -> Migrator {
    let texts = [first, LATER].into_iter().zip([1, 2]).take(version);
    let migrations = texts.map(|(sql, version)| {
        let kind = MigrationType::Simple;
        Migration::new(version, Cow::Borrowed("mine"), kind, sql.into_sql_str(), false)
    });
    Migrator::with_migrations(migrations.collect())
}

#[stage]
async fn ship(number: u32, ctx: &StageContext) -> StageResult<u32> {
    let order = "INSERT INTO orders (number, state) VALUES ($1, $2)";
    ctx.transaction().execute(Statement::new(order).bind(i64::from(number)).bind("shipped"))?;
    Ok(number)
}

workflow! { shipping = ship }

/// Ships an order, which writes to the user's table in the engine's commit.
async fn ship_one(builder: EngineBuilder, number: u32) {
    let engine = builder.register::<shipping>().build().await.unwrap();
    let run = engine.start::<shipping>(ShipInput { number }).await.unwrap();
    assert_eq!(run.output().await.unwrap(), number);
    engine.shutdown().await;
}

#[tokio::test]
async fn an_sqlite_file_may_have_the_migrations_of_its_user_before_or_after_the_engine() {
    for user_is_first in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("app.db").to_str().unwrap().to_owned();
        if !user_is_first {
            Engine::builder(&path).register::<shipping>().build().await.unwrap().shutdown().await;
        }
        let url = format!("sqlite://{path}?mode=rwc");
        let mut user = SqliteConnection::connect(&url).await.unwrap();
        migrator(1, USER_TABLES).run_direct(None, &mut user, false).await.unwrap();
        ship_one(Engine::builder(&path), 1).await;
        // Both programs then migrate, and check the migrations that they have applied.
        migrator(2, USER_TABLES).run_direct(None, &mut user, false).await.unwrap();
        ship_one(Engine::builder(&path), 2).await;
        let mut other = SqliteOptions::new(&path);
        other.table_prefix = "second_".into();
        ship_one(Engine::builder(other), 3).await;
        let shipped: Vec<i64> = sqlx::query_scalar("SELECT number FROM orders ORDER BY number")
            .fetch_all(&mut user)
            .await
            .unwrap();
        assert_eq!(shipped, [1, 2, 3], "the user is first: {user_is_first}");
        let mine: String =
            sqlx::query_scalar("SELECT content FROM blobs").fetch_one(&mut user).await.unwrap();
        assert_eq!(mine, "mine");
        user.close().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_schema_public_may_have_the_migrations_of_its_user_before_or_after_the_engine() {
    if !is_available("the_schema_public_may_have_the_migrations_of_its_user_before_or_after_the_engine") {
        return;
    }
    for user_is_first in [true, false] {
        let Some(cluster) = Cluster::start() else { return };
        let options = || {
            let mut options = PostgresOptions::new(cluster.url());
            options.schema = "public".into();
            options
        };
        if !user_is_first {
            Engine::builder(options()).register::<shipping>().build().await.unwrap().shutdown().await;
        }
        let first: &'static str = format!("{USER_TABLES}{USER_TYPES}").leak();
        let mut user = PgConnection::connect(cluster.url()).await.unwrap();
        migrator(1, first).run_direct(None, &mut user, false).await.unwrap();
        ship_one(Engine::builder(options()), 1).await;
        migrator(2, first).run_direct(None, &mut user, false).await.unwrap();
        ship_one(Engine::builder(options()), 2).await;
        // Another store of the same database, in its own schema.
        ship_one(Engine::builder(cluster.url()), 3).await;
        let shipped: Vec<i64> = sqlx::query_scalar("SELECT number FROM orders ORDER BY number")
            .fetch_all(&mut user)
            .await
            .unwrap();
        assert_eq!(shipped, [1, 2, 3], "the user is first: {user_is_first}");
        let mine: String =
            sqlx::query_scalar("SELECT content FROM blobs").fetch_one(&mut user).await.unwrap();
        assert_eq!(mine, "mine");
        user.close().await.unwrap();
    }
}
