//! The migrations of the schema.

use std::borrow::Cow;

use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Connection, Row, SqliteConnection};

use super::failure::Failure;
use crate::stores::migration::MissingMigration;
use crate::stores::sql_texts::SqlTexts;

/// Every migration, the oldest first. A released migration is never edited.
const MIGRATIONS: &[(i64, &str, &str)] =
    &[(1, "initial", include_str!("../../../migrations/sqlite/0001_initial.sql"))];

const HAS_TABLE: &str =
    "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '{prefix}migrations'";

const APPLIED: &str = "SELECT version FROM {prefix}migrations WHERE success ORDER BY version";

/// Checks that the schema is that of this version, and changes nothing.
pub(super) async fn check(connection: &mut SqliteConnection, texts: &SqlTexts) -> Result<(), Failure> {
    const DOING: &str = "open the database without migrating it";

    let failed = |error| Failure::database(DOING, error);
    let has_table = sqlx::query(texts.fill(HAS_TABLE)).fetch_one(&mut *connection).await.map_err(failed)?;
    let mut applied = Vec::new();
    if has_table.get::<i64, _>(0) > 0 {
        let rows = sqlx::query(texts.fill(APPLIED)).fetch_all(connection).await.map_err(failed)?;
        applied.extend(rows.iter().map(|row| row.get::<i64, _>(0)));
    }
    if let Some((version, name, _)) = MIGRATIONS.iter().find(|(version, ..)| !applied.contains(version)) {
        return Err(Failure::schema_outdated(
            DOING,
            MissingMigration::new(*version, name, applied.is_empty()),
        ));
    }
    match applied.into_iter().find(|version| MIGRATIONS.iter().all(|(known, ..)| known != version)) {
        Some(later) => Err(Failure::lasting(DOING, sqlx::migrate::MigrateError::VersionMissing(later))),
        None => Ok(()),
    }
}

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
