//! Helpers that the tests share.

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection, Row};
use workflow_engine::ports::{Change, Commit, Decision, Persistence};
use workflow_engine::records::ClaimedJob;

pub(crate) use tests::decisions::{claim, complete, create, definitions, entry, running};

/// How long a test waits for an expected event before it fails.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// Creates a run whose only stage is due.
pub(crate) async fn due(store: &dyn Persistence) -> workflow_engine::RunId {
    let job = running(store).await;
    let back = Change::ReturnJob { stage_key: "a".into(), reason: "the worker stops".into() };
    let decision = Decision { changes: vec![back], ..complete(&job) };
    assert!(matches!(store.commit(decision).await.unwrap(), Commit::Applied(_)));
    job.lease.run_id
}

/// Commits a decision that must be applied.
pub(crate) async fn apply(store: &dyn Persistence, decision: Decision) -> Vec<ClaimedJob> {
    match store.commit(decision).await.unwrap() {
        Commit::Applied(applied) => applied.claimed,
        other => panic!("{other:?}"),
    }
}

/// Returns the only value of a query's result.
pub(crate) async fn number(connection: &mut PgConnection, sql: &str) -> i64 {
    let row = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await.unwrap();
    row.get(0)
}

/// Terminates every session that works on the schema, except this one.
pub(crate) async fn terminate_sessions(connection: &mut PgConnection, schema: &str) -> i64 {
    let terminate = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND application_name = '{schema}'"
    );
    number(connection, &terminate).await
}

/// Returns the schema's URL with the schema as the application's name, which identifies its sessions.
pub(crate) fn named_url(schema: &tests::postgres::Schema) -> String {
    let separator = if schema.url().contains('?') { '&' } else { '?' };
    format!("{}{separator}application_name={}", schema.url(), schema.name())
}
