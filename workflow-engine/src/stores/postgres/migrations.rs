//! The schema, and how a database comes to have it.
//!
//! The bookkeeping is that of sqlx's migrator, in its table, but not its code: that leaves prepared statements in the
//! session, which behind a pooler is somebody else's a moment later.

use std::borrow::Cow;
use std::collections::HashMap;

use sqlx::migrate::{MigrateError, Migration, MigrationType};
use sqlx::{Connection, PgConnection, Row, SqlSafeStr};

use super::failure::Failure;
use super::statements::fill;

const DOING: &str = "bring the schema up to date";

/// Every migration, oldest first. One that was released is never edited.
const MIGRATIONS: &[(i64, &str, &str)] =
    &[(1, "initial", include_str!("../../../migrations/postgres/0001_initial.sql"))];

/// Held by whoever migrates, until its transaction ends: a lock of the session would be lost behind a pooler. The
/// first number is this engine's own, the second the schema's.
const LOCK: &str = "SELECT pg_advisory_xact_lock(1751609, hashtext($1))";

const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS {schema}._sqlx_migrations (
        version        BIGINT      NOT NULL PRIMARY KEY,
        description    TEXT        NOT NULL,
        installed_on   TIMESTAMPTZ NOT NULL DEFAULT now(),
        success        BOOLEAN     NOT NULL,
        checksum       BYTEA       NOT NULL,
        execution_time BIGINT      NOT NULL
    )";

const APPLIED: &str = "SELECT version, checksum FROM {schema}._sqlx_migrations ORDER BY version";

const NOTE: &str = "
    INSERT INTO {schema}._sqlx_migrations (version, description, success, checksum, execution_time)
    VALUES ($1, $2, TRUE, $3, 0)";

/// Brings the schema up to date. Several processes may do so at once: the whole of it is one transaction, and
/// whoever comes second finds nothing left to do.
pub(super) async fn migrate(connection: &mut PgConnection, schema: &str) -> Result<(), Failure> {
    let mut transaction = connection.begin().await.map_err(failed)?;
    let lock = sqlx::query(LOCK).persistent(false).bind(schema);
    lock.execute(&mut *transaction).await.map_err(failed)?;
    create_schema(&mut transaction, schema).await?;
    let mut applied = applied(&mut transaction, schema).await?;
    for &(version, description, sql) in MIGRATIONS {
        // Its checksum is that of the text with its slots: the same in every schema.
        let kind = MigrationType::Simple;
        let migration = Migration::new(version, Cow::Borrowed(description), kind, sql.into_sql_str(), false);
        match applied.remove(&version) {
            Some(checksum) if checksum == *migration.checksum => {}
            Some(_) => return Err(Failure::lasting(DOING, MigrateError::VersionMismatch(version))),
            None => apply(&mut transaction, schema, &migration).await?,
        }
    }
    if let Some(later) = applied.keys().min() {
        return Err(Failure::lasting(DOING, MigrateError::VersionMissing(*later)));
    }
    transaction.commit().await.map_err(failed)
}

/// `CREATE SCHEMA IF NOT EXISTS` would ask for the right to create one even where it exists.
async fn create_schema(connection: &mut PgConnection, schema: &str) -> Result<(), Failure> {
    let exists =
        sqlx::query("SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)").persistent(false);
    let exists = exists.bind(schema).fetch_one(&mut *connection).await.map_err(failed)?;
    if !exists.try_get::<bool, _>(0).map_err(failed)? {
        let create = sqlx::raw_sql(fill("CREATE SCHEMA {schema}", schema));
        create.execute(&mut *connection).await.map_err(failed)?;
    }
    Ok(())
}

/// The checksums of what was applied before, by version.
async fn applied(connection: &mut PgConnection, schema: &str) -> Result<HashMap<i64, Vec<u8>>, Failure> {
    sqlx::raw_sql(fill(TABLE, schema)).execute(&mut *connection).await.map_err(failed)?;
    let query = sqlx::query(fill(APPLIED, schema)).persistent(false);
    let rows = query.fetch_all(connection).await.map_err(failed)?;
    rows.iter().map(|row| Ok((row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?))).collect()
}

async fn apply(connection: &mut PgConnection, schema: &str, migration: &Migration) -> Result<(), Failure> {
    let filled = fill(migration.sql.as_str(), schema);
    sqlx::raw_sql(filled).execute(&mut *connection).await.map_err(failed)?;
    let note = sqlx::query(fill(NOTE, schema)).persistent(false);
    let note = note.bind(migration.version).bind(migration.description.to_string());
    note.bind(migration.checksum.to_vec()).execute(connection).await.map_err(failed)?;
    Ok(())
}

fn failed(error: sqlx::Error) -> Failure {
    Failure::database(DOING, error)
}
