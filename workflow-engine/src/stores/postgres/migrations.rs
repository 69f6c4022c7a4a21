//! The schema, and how a database comes to have it.

use std::borrow::Cow;

use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::{Connection, PgConnection, Row};

use super::failure::Failure;
use super::statements::fill;

const DOING: &str = "bring the schema up to date";

/// Every migration, oldest first. One that was released is never edited.
const MIGRATIONS: &[(i64, &str, &str)] =
    &[(1, "initial", include_str!("../../../migrations/postgres/0001_initial.sql"))];

/// Held by whoever migrates, until its transaction ends: a lock of the session would be lost behind a pooler. The
/// number is this engine's own; the second is the schema's.
const LOCK: &str = "SELECT pg_advisory_xact_lock(1751609, hashtext($1))";

/// Brings the schema up to date. Several processes may do so at once: the whole of it is one transaction, and
/// whoever comes second finds nothing left to do.
pub(super) async fn migrate(connection: &mut PgConnection, schema: &str) -> Result<(), Failure> {
    let failed = |error| Failure::database(DOING, error);
    let mut transaction = connection.begin().await.map_err(failed)?;
    let lock = sqlx::query(LOCK).persistent(false).bind(schema);
    lock.execute(&mut *transaction).await.map_err(failed)?;
    // `CREATE SCHEMA IF NOT EXISTS` asks for the right to create one even where it exists.
    let exists =
        sqlx::query("SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)").persistent(false);
    let exists = exists.bind(schema).fetch_one(&mut *transaction).await.map_err(failed)?;
    if !exists.try_get::<bool, _>(0).map_err(failed)? {
        let create = sqlx::raw_sql(fill("CREATE SCHEMA {schema}", schema));
        create.execute(&mut *transaction).await.map_err(failed)?;
    }
    let migrations = MIGRATIONS
        .iter()
        .map(|&(version, description, sql)| {
            let description = Cow::Borrowed(description);
            Migration::new(version, description, MigrationType::Simple, fill(sql, schema), false)
        })
        .collect();
    let mut migrator = Migrator::with_migrations(migrations);
    migrator.dangerous_set_table_name(format!("{schema}._sqlx_migrations"));
    migrator.set_locking(false);
    // `run` would do, but the compiler cannot see that its future is `Send`.
    migrator.run_direct(None, &mut *transaction, false).await.map_err(|error| match error {
        MigrateError::Execute(error) => Failure::database(DOING, error),
        other => Failure::lasting(DOING, other),
    })?;
    transaction.commit().await.map_err(failed)
}
