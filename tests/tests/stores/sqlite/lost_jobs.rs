//! Jobs that were deleted from the file by hand.

use std::sync::Arc;

use sqlx::{Connection, SqliteConnection};
use tests::deleted_jobs;

use super::fixture::Directory;

#[tokio::test]
async fn a_job_that_was_deleted_is_made_anew() {
    let directory = Directory::new();
    let store = Arc::new(directory.open().await);
    let url = format!("sqlite://{}", directory.file("store.db").display());
    let delete = async || {
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        sqlx::query("DELETE FROM workflow_job_queue").execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    };
    deleted_jobs::are_recreated(store, delete).await;
}
