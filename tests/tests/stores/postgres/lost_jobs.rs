//! Jobs that a program other than the engine has deleted from the database.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection};
use tests::deleted_jobs;
use tests::postgres::Schema;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_job_is_recreated() {
    needs_postgres!("a_deleted_job_is_recreated");
    let schema = Schema::new();
    let store = Arc::new(schema.open().await);
    let delete = async || {
        let mut connection = schema.connect().await;
        let delete = AssertSqlSafe(format!("DELETE FROM {}.workflow_job_queue", schema.name()));
        sqlx::raw_sql(delete).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    };
    deleted_jobs::are_recreated(store, delete).await;
}
