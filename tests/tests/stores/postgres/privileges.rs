//! Roles with few rights, and databases with other encodings than UTF-8.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tests::postgres::Cluster;
use workflow_engine::prelude::*;
use workflow_engine::stores::{PostgresOptions, PostgresStore};
use workflow_engine::{Error, ErrorCode, LogLevel};

#[stage(retry(max_attempts = 1))]
async fn shout(text: String, ctx: &StageContext) -> StageResult<String> {
    ctx.log(LogLevel::Info, "shouting", ());
    match text.as_str() {
        "a crab" => Ok("🦀".to_owned()),
        "a sick crab" => Err(StageError::retryable("🦀 is sick")),
        text => Ok(text.to_uppercase()),
    }
}

workflow! { shouting = shout }

async fn run(connection: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.unwrap();
}

/// Returns the cluster's URL with another role.
fn url_of(cluster: &Cluster, role: &str) -> String {
    cluster.url().replace("postgres@", &format!("{role}@"))
}

/// Runs a workflow, and returns its output.
async fn shouted(options: PostgresOptions, text: &str) -> Result<String, Error> {
    let engine = Engine::builder(options).register::<shouting>().build().await?;
    let run = engine.start::<shouting>(ShoutInput { text: text.into() }).await;
    let output = match &run {
        Ok(run) => run.output().await,
        Err(_) => Ok(String::new()),
    };
    engine.shutdown().await;
    run.and(output)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_may_only_read_and_write_opens_a_migrated_schema() {
    needs_postgres!("a_role_that_may_only_read_and_write_opens_a_migrated_schema");
    let Some(cluster) = Cluster::start() else { return };
    assert_eq!(shouted(PostgresOptions::new(cluster.url()), "as owner").await.unwrap(), "AS OWNER");
    let mut owner = PgConnection::connect(cluster.url()).await.unwrap();
    let grant = "CREATE ROLE worker LOGIN; GRANT USAGE ON SCHEMA workflow_engine TO worker;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA workflow_engine TO worker";
    run(&mut owner, grant).await;
    let options = PostgresOptions::new(url_of(&cluster, "worker"));
    assert_eq!(shouted(options, "as worker").await.unwrap(), "AS WORKER");
}

/// Each error names the right, and the command that grants it. The test runs each command.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_without_a_right_is_refused_with_the_command_that_an_owner_has_to_run() {
    needs_postgres!("a_role_without_a_right_is_refused_with_the_command_that_an_owner_has_to_run");
    let Some(cluster) = Cluster::start() else { return };
    let mut owner = PgConnection::connect(cluster.url()).await.unwrap();
    run(&mut owner, "CREATE ROLE worker LOGIN; CREATE ROLE \"other Worker\" LOGIN").await;
    let refused = async |role: &str, schema: &str, command: &str| {
        let mut options = PostgresOptions::new(url_of(&cluster, role));
        options.schema = schema.into();
        let error = PostgresStore::open(options).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::MissingPrivilege, "{error}");
        assert!(!error.is_retryable());
        assert!(error.to_string().contains(&format!("`{command}`")), "{error}");
    };

    // A new schema.
    let command = "CREATE SCHEMA of_worker AUTHORIZATION \"worker\"";
    refused("worker", "of_worker", command).await;
    run(&mut owner, command).await;
    let mut options = PostgresOptions::new(url_of(&cluster, "worker"));
    options.schema = "of_worker".into();
    assert_eq!(shouted(options, "new").await.unwrap(), "NEW");

    // An empty schema of another role.
    run(&mut owner, "CREATE SCHEMA empty; GRANT USAGE ON SCHEMA empty TO worker").await;
    let command = "GRANT USAGE, CREATE ON SCHEMA empty TO \"worker\"";
    refused("worker", "empty", command).await;
    run(&mut owner, command).await;
    let mut options = PostgresOptions::new(url_of(&cluster, "worker"));
    options.schema = "empty".into();
    assert_eq!(shouted(options, "filled").await.unwrap(), "FILLED");

    // A migrated schema of another role.
    let usage = "GRANT USAGE ON SCHEMA of_worker TO \"other Worker\"";
    refused("other%20Worker", "of_worker", usage).await;
    run(&mut owner, usage).await;
    let tables = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA of_worker TO \"other Worker\"";
    refused("other%20Worker", "of_worker", tables).await;
    run(&mut owner, tables).await;
    run(&mut owner, "REVOKE DELETE ON of_worker.workflow_job_queue FROM \"other Worker\"").await;
    refused("other%20Worker", "of_worker", tables).await;
    run(&mut owner, tables).await;
    let mut options = PostgresOptions::new(url_of(&cluster, "other%20Worker"));
    options.schema = "of_worker".into();
    assert_eq!(shouted(options, "shared").await.unwrap(), "SHARED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_with_another_encoding_holds_the_texts_that_it_can() {
    needs_postgres!("a_database_with_another_encoding_holds_the_texts_that_it_can");
    let Some(cluster) = Cluster::start() else { return };
    let mut owner = PgConnection::connect(cluster.url()).await.unwrap();
    for encoding in ["LATIN1", "SQL_ASCII"] {
        let name = encoding.to_lowercase();
        let create = format!(
            "CREATE DATABASE {name} ENCODING '{encoding}' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'"
        );
        run(&mut owner, &create).await;
        let options = || PostgresOptions::new(cluster.url().replace("/postgres?", &format!("/{name}?")));
        assert_eq!(shouted(options(), "größe").await.unwrap(), "GRÖSSE", "{encoding}");
        for text in ["🦀", "a crab", "a sick crab"] {
            let outcome = shouted(options(), text).await;
            if encoding == "SQL_ASCII" {
                // This database stores bytes.
                assert_eq!(outcome.is_err(), text == "a sick crab", "{text}");
                continue;
            }
            let error = outcome.unwrap_err();
            assert!(error.is_invalid_input() || error.is_run_failed(), "{text}: {error:?}");
            assert!(error.to_string().contains("LATIN1"), "{text}: {error}");
            assert!(error.to_string().contains("UTF8"), "{text}: {error}");
        }
    }
}
