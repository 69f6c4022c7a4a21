//! Jobs that were deleted from the database by hand.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Connection};
use tests::deleted_jobs;
use tests::postgres::Schema;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_was_deleted_is_made_anew() {
    needs_postgres!("a_job_that_was_deleted_is_made_anew");
    let schema = Schema::new();
    let store = Arc::new(schema.open().await);
    let delete = async || {
        let mut connection = schema.connect().await;
        let delete = AssertSqlSafe(format!("DELETE FROM {}.job_queue", schema.name()));
        sqlx::raw_sql(delete).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    };
    deleted_jobs::are_recreated(store, delete).await;
}
