//! The schema, and how a file comes to have it.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection, SqlSafeStr, SqliteConnection};

use super::failure::Failure;

/// Every migration, oldest first. One that was released is never edited.
const MIGRATIONS: &[(i64, &str, &str)] =
    &[(1, "initial", include_str!("../../../migrations/sqlite/0001_initial.sql"))];

/// Brings the schema up to date. Several processes may do so at once: the whole of it is one transaction, and
/// whoever comes second finds nothing left to do.
pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<(), Failure> {
    const DOING: &str = "bring the schema up to date";

    let migrations = MIGRATIONS
        .iter()
        .map(|&(version, description, sql)| {
            let description = Cow::Borrowed(description);
            Migration::new(version, description, MigrationType::Simple, sql.into_sql_str(), false)
        })
        .collect();
    let failed = |error| Failure::database(DOING, error);
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    let migrator = Migrator::with_migrations(migrations);
    // `run` would do, but the compiler cannot see that its future is `Send`.
    migrator.run_direct(None, &mut *transaction, false).await.map_err(|error| match error {
        sqlx::migrate::MigrateError::Execute(error) => Failure::database(DOING, error),
        other => Failure::lasting(DOING, other),
    })?;
    transaction.commit().await.map_err(failed)
}
