//! The migrations of the schema.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection, SqlSafeStr, SqliteConnection};

use super::failure::Failure;

/// Every migration, the oldest first. A released migration is never edited.
const MIGRATIONS: &[(i64, &str, &str)] =
    &[(1, "initial", include_str!("../../../migrations/sqlite/0001_initial.sql"))];

/// Migrates the schema. Several processes may do so at once: the migration is one transaction, and the second process
/// finds nothing left to do.
pub(super) async fn migrate(connection: &mut SqliteConnection) -> Result<(), Failure> {
    const DOING: &str = "migrate the schema";

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
    // `run` would serve, but the compiler cannot prove that its future is `Send`.
    migrator.run_direct(None, &mut *transaction, false).await.map_err(|error| match error {
        sqlx::migrate::MigrateError::Execute(error) => Failure::database(DOING, error),
        other => Failure::lasting(DOING, other),
    })?;
    transaction.commit().await.map_err(failed)
}
