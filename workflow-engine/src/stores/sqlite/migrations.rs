//! The migrations of the schema.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection, SqliteConnection};

use super::failure::Failure;
use crate::stores::sql_texts::SqlTexts;

/// Every migration, the oldest first. A released migration is never edited.
const MIGRATIONS: &[(i64, &str, &str)] =
    &[(1, "initial", include_str!("../../../migrations/sqlite/0001_initial.sql"))];

/// Migrates the schema. Several processes may do so at once: the migration is one transaction, and the second process
/// finds nothing left to do.
pub(super) async fn migrate(connection: &mut SqliteConnection, texts: &SqlTexts) -> Result<(), Failure> {
    const DOING: &str = "migrate the schema";

    let migrations = MIGRATIONS
        .iter()
        .map(|&(version, description, sql)| {
            let description = Cow::Borrowed(description);
            Migration::new(version, description, MigrationType::Simple, texts.fill(sql), false)
        })
        .collect();
    let failed = |error| Failure::database(DOING, error);
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    let mut migrator = Migrator::with_migrations(migrations);
    // A user's own migrations are recorded under sqlx's name in the same file.
    migrator.dangerous_set_table_name(texts.fill("{prefix}migrations").as_str().to_owned());
    // `run` would serve, but the compiler cannot prove that its future is `Send`.
    migrator.run_direct(None, &mut *transaction, false).await.map_err(|error| match error {
        sqlx::migrate::MigrateError::Execute(error) => Failure::database(DOING, error),
        other => Failure::lasting(DOING, other),
    })?;
    transaction.commit().await.map_err(failed)
}
