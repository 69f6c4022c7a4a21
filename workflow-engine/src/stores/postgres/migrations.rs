//! Creates and migrates the schema.
//!
//! It keeps the same records as sqlx's migrator, in a table of its own beside a user's, but does not use that migrator's code, which leaves
//! prepared statements in the session: behind a pooler another client uses that session a moment later.

use std::borrow::Cow;
use std::collections::HashMap;

use sqlx::migrate::{MigrateError, Migration, MigrationType};
use sqlx::{Connection, PgConnection, Row, SqlSafeStr};

use super::failure::Failure;
use super::statements::texts_of;
use crate::stores::sql_texts::SqlTexts;

const ACTION: &str = "bring the schema up to date";

/// Every migration, oldest first. A released migration is never edited.
const MIGRATIONS: &[(i64, &str, &str)] =
    &[(1, "initial", include_str!("../../../migrations/postgres/0001_initial.sql"))];

/// The lock that a process holds while it migrates. It belongs to the transaction, because behind a pooler a lock of
/// the session would be lost. The first number identifies this engine, the second the schema.
const LOCK: &str = "SELECT pg_advisory_xact_lock(1751609, hashtext($1))";

const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS {schema}.workflow_migrations (
        version        BIGINT      NOT NULL PRIMARY KEY,
        description    TEXT        NOT NULL,
        installed_on   TIMESTAMPTZ NOT NULL DEFAULT now(),
        success        BOOLEAN     NOT NULL,
        checksum       BYTEA       NOT NULL,
        execution_time BIGINT      NOT NULL
    )";

const APPLIED: &str = "SELECT version, checksum FROM {schema}.workflow_migrations ORDER BY version";

const RECORD: &str = "
    INSERT INTO {schema}.workflow_migrations (version, description, success, checksum, execution_time)
    VALUES ($1, $2, TRUE, $3, 0)";

/// Brings the schema up to date, in one transaction. Several processes may call this at the same time; all but the
/// first find the migrations applied.
pub(super) async fn migrate(connection: &mut PgConnection, schema: &str) -> Result<(), Failure> {
    let texts = texts_of(schema);
    let mut transaction = connection.begin().await.map_err(failed)?;
    let lock = sqlx::query(LOCK).persistent(false).bind(schema);
    lock.execute(&mut *transaction).await.map_err(failed)?;
    create_schema(&mut transaction, schema, &texts).await?;
    let mut applied = applied(&mut transaction, &texts).await?;
    for &(version, description, sql) in MIGRATIONS {
        // The checksum covers the text before the schema's name is filled in, so it is the same in every schema.
        let kind = MigrationType::Simple;
        let migration = Migration::new(version, Cow::Borrowed(description), kind, sql.into_sql_str(), false);
        match applied.remove(&version) {
            Some(checksum) if checksum == *migration.checksum => {}
            Some(_) => return Err(Failure::permanent(ACTION, MigrateError::VersionMismatch(version))),
            None => apply(&mut transaction, &texts, &migration).await?,
        }
    }
    if let Some(later) = applied.keys().min() {
        return Err(Failure::permanent(ACTION, MigrateError::VersionMissing(*later)));
    }
    transaction.commit().await.map_err(failed)
}

/// Creates the schema unless it exists. `CREATE SCHEMA IF NOT EXISTS` would require the privilege to create schemas
/// even where the schema exists.
async fn create_schema(connection: &mut PgConnection, schema: &str, texts: &SqlTexts) -> Result<(), Failure> {
    let exists =
        sqlx::query("SELECT EXISTS (SELECT 1 FROM pg_namespace WHERE nspname = $1)").persistent(false);
    let exists = exists.bind(schema).fetch_one(&mut *connection).await.map_err(failed)?;
    if !exists.try_get::<bool, _>(0).map_err(failed)? {
        let create = sqlx::raw_sql(texts.fill("CREATE SCHEMA {schema}"));
        create.execute(&mut *connection).await.map_err(failed)?;
    }
    Ok(())
}

/// Returns the checksums of the applied migrations, by version.
async fn applied(connection: &mut PgConnection, texts: &SqlTexts) -> Result<HashMap<i64, Vec<u8>>, Failure> {
    sqlx::raw_sql(texts.fill(TABLE)).execute(&mut *connection).await.map_err(failed)?;
    let query = sqlx::query(texts.fill(APPLIED)).persistent(false);
    let rows = query.fetch_all(connection).await.map_err(failed)?;
    rows.iter().map(|row| Ok((row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?))).collect()
}

async fn apply(
    connection: &mut PgConnection,
    texts: &SqlTexts,
    migration: &Migration,
) -> Result<(), Failure> {
    let filled = texts.fill(migration.sql.as_str());
    sqlx::raw_sql(filled).execute(&mut *connection).await.map_err(failed)?;
    let record = sqlx::query(texts.fill(RECORD)).persistent(false);
    let record = record.bind(migration.version).bind(migration.description.to_string());
    record.bind(migration.checksum.to_vec()).execute(connection).await.map_err(failed)?;
    Ok(())
}

fn failed(error: sqlx::Error) -> Failure {
    Failure::database(ACTION, error)
}
