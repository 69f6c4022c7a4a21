//! What the tests share.

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection, Row};
use workflow_engine::ports::{Change, Commit, Decision, Persistence};
use workflow_engine::records::ClaimedJob;

pub(crate) use tests::decisions::{claim, complete, create, definitions, entry, running};

/// How long a test waits for what must come before it fails.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// A run whose one stage is due.
pub(crate) async fn due(store: &dyn Persistence) -> workflow_engine::RunId {
    let job = running(store).await;
    let back = Change::ReturnJob { stage_id: "a".into() };
    let decision = Decision { changes: vec![back], ..complete(&job) };
    assert!(matches!(store.commit(decision).await.unwrap(), Commit::Applied(_)));
    job.lease.run_id
}

/// Commits what must be applied.
pub(crate) async fn apply(store: &dyn Persistence, decision: Decision) -> Vec<ClaimedJob> {
    match store.commit(decision).await.unwrap() {
        Commit::Applied(applied) => applied.claimed,
        other => panic!("{other:?}"),
    }
}

/// The one number that a query answers.
pub(crate) async fn number(connection: &mut PgConnection, sql: &str) -> i64 {
    let row = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await.unwrap();
    row.get(0)
}

/// Ends every session that works on the schema, but for this one.
pub(crate) async fn terminate_everybody(connection: &mut PgConnection, schema: &str) -> i64 {
    let terminate = format!(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND application_name = '{schema}'"
    );
    number(connection, &terminate).await
}

/// The schema's URL with its name as that of the application, so that its sessions can be told from others'.
pub(crate) fn named_url(schema: &tests::postgres::Schema) -> String {
    let separator = if schema.url().contains('?') { '&' } else { '?' };
    format!("{}{separator}application_name={}", schema.url(), schema.name())
}
