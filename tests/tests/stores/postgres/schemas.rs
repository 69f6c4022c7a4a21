//! Creating and migrating schemas.

use futures_util::future::join_all;
use sqlx::AssertSqlSafe;
use tests::postgres::Schema;
use workflow_engine::Engine;
use workflow_engine::ports::Persistence;
use workflow_engine::stores::PostgresStore;

use super::fixture::{number, running};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_stores_open_a_new_schema_at_once() {
    needs_postgres!("several_stores_open_a_new_schema_at_once");
    let schema = Schema::new();
    let stores = join_all((0..8).map(|_| schema.open())).await;
    let mut connection = schema.connect().await;
    let applied = format!("SELECT count(*) FROM {}.workflow_migrations", schema.name());
    assert_eq!(number(&mut connection, &applied).await, 1);
    for store in &stores {
        running(store).await;
        store.close().await;
    }
    // Opening an existing schema works as well.
    schema.open().await.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_schema_is_a_separate_store() {
    needs_postgres!("each_schema_is_a_separate_store");
    let (one, two) = (Schema::new(), Schema::new());
    let (first, second) = (one.open().await, two.open().await);
    let job = running(&first).await;
    assert_eq!(second.run(job.lease.run_id).await.unwrap(), None);
    assert_eq!(second.unfinished_runs("workflow").await.unwrap(), []);
    first.close().await;
    second.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trap_13_a_session_may_have_any_time_zone() {
    needs_postgres!("trap_13_a_session_may_have_any_time_zone");
    let schema = Schema::new();
    let role = format!("role_{}", schema.name());
    let mut connection = schema.connect().await;
    let create = format!(
        "CREATE ROLE {role} LOGIN SUPERUSER PASSWORD 'p';
        ALTER ROLE {role} SET TimeZone = 'Asia/Kathmandu';
        ALTER ROLE {role} SET DateStyle = 'German, DMY';
        ALTER ROLE {role} SET search_path = 'nowhere'"
    );
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut connection).await.unwrap();
    let url = schema.url().replacen("postgres@", &format!("{role}:p@"), 1);
    let store = PostgresStore::open(schema.options_at(&url)).await.unwrap();
    let other = schema.open().await;
    let job = running(&store).await;
    let seen = other.run(job.lease.run_id).await.unwrap();
    assert_eq!(store.run(job.lease.run_id).await.unwrap(), seen);
    let age = format!(
        "SELECT extract(epoch FROM clock_timestamp() - created_at)::bigint FROM {}.workflow_runs",
        schema.name()
    );
    assert!((0..60).contains(&number(&mut connection, &age).await));
    store.close().await;
    other.close().await;
    let drop = AssertSqlSafe(format!("DROP SCHEMA {} CASCADE; DROP ROLE {role}", schema.name()));
    sqlx::raw_sql(drop).execute(&mut connection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_existing_schema_needs_no_privilege_to_create_one() {
    needs_postgres!("an_existing_schema_needs_no_privilege_to_create_one");
    let schema = Schema::new();
    let role = format!("role_{}", schema.name());
    let mut connection = schema.connect().await;
    let create = format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'p'; CREATE SCHEMA {name} AUTHORIZATION {role}",
        name = schema.name()
    );
    sqlx::raw_sql(AssertSqlSafe(create)).execute(&mut connection).await.unwrap();
    let url = schema.url().replacen("postgres@", &format!("{role}:p@"), 1);
    let store = PostgresStore::open(schema.options_at(&url)).await.unwrap();
    running(&store).await;
    store.close().await;
    let drop = AssertSqlSafe(format!("DROP SCHEMA {} CASCADE; DROP ROLE {role}", schema.name()));
    sqlx::raw_sql(drop).execute(&mut connection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engine_opens_a_schema_by_its_url() {
    needs_postgres!("an_engine_opens_a_schema_by_its_url");
    let schema = Schema::new();
    let engine = Engine::builder(schema.url()).register::<tests::diamond::diamond>();
    let engine = engine.build().await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger").to_str().unwrap().to_owned();
    let input = tests::diamond::FirstInput { ledger, number: 5 };
    let run = engine.start::<tests::diamond::diamond>(input).await.unwrap();
    assert_eq!(run.output().await.unwrap(), 16);
    engine.shutdown().await;
}

#[tokio::test]
async fn no_message_shows_a_password() {
    for url in [
        "postgres://user:secret@127.0.0.1:1/name",
        "postgres://user:secret@127.0.0.1:notaport/name",
        "postgres://user:secret@127.0.0.1:1/name?sslmode=nonsense",
        "postgres://127.0.0.1:1/name?password=secret",
    ] {
        let error = PostgresStore::open(url).await.unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("secret"), "{shown}");
    }
    let gone = PostgresStore::open("postgres://127.0.0.1:1/name").await;
    assert!(gone.unwrap_err().is_retryable());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_of_a_later_version_is_refused() {
    needs_postgres!("a_schema_of_a_later_version_is_refused");
    let schema = Schema::new();
    schema.open().await.close().await;
    let mut connection = schema.connect().await;
    let later = format!(
        "INSERT INTO {}.workflow_migrations (version, description, success, checksum, execution_time)
        VALUES (9999, 'later', TRUE, '', 0)",
        schema.name()
    );
    sqlx::raw_sql(AssertSqlSafe(later)).execute(&mut connection).await.unwrap();
    let error = PostgresStore::open(schema.options()).await.unwrap_err();
    assert_eq!(error.code(), "STORE_FAILED");
    assert!(error.to_string().contains("9999"), "{error}");
}
