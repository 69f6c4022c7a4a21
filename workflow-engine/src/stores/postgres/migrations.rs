//! Creates and migrates the schema.
//!
//! It keeps the same records as sqlx's migrator, in a table of its own beside a user's, but does not use that migrator's
//! code, which leaves prepared statements in the session: behind a pooler another client uses that session a moment
//! later.

use std::borrow::Cow;
use std::collections::HashMap;

use sqlx::{Connection, PgConnection, Row, SqlSafeStr};
use sqlx_core::migrate::{MigrateError, Migration, MigrationType};

use super::failure::Failure;
use super::privileges::Privileges;
use super::statements::texts_of;
use crate::stores::migration::MissingMigration;
use crate::stores::sql_texts::SqlTexts;

const ACTION: &str = "bring the schema up to date";

/// Every migration, oldest first. A released migration is never edited.
const MIGRATIONS: &[(i64, &str, &str)] =
    &[(1, "initial", include_str!("../../../migrations/postgres/0001_initial.sql"))];

/// The lock that a process holds while it migrates. It belongs to the transaction, because behind a pooler a lock of
/// the session would be lost. The first number identifies this engine, the second the schema.
const LOCK: &str = "SELECT pg_advisory_xact_lock(1751609, hashtext($1))";

const TABLE: &str = "
    CREATE TABLE {schema}.workflow_migrations (
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
/// first find the migrations applied. Unless it may change the schema, it only checks. A role that may only read and
/// write tables can open a schema that is up to date.
pub(super) async fn migrate(
    connection: &mut PgConnection,
    schema: &str,
    may_change: bool,
) -> Result<(), Failure> {
    let texts = texts_of(schema);
    let begin = "BEGIN ISOLATION LEVEL READ COMMITTED";
    let mut transaction = connection.begin_with(begin).await.map_err(failed)?;
    let mut privileges = Privileges::look_up(&mut transaction, schema).await?;
    privileges.check_usage()?;
    if !is_up_to_date(&mut transaction, &privileges, &texts).await? {
        if !may_change {
            return Err(outdated(&mut transaction, &privileges, &texts).await?);
        }
        privileges.check_create()?;
        let lock = sqlx::query(LOCK).persistent(false).bind(schema);
        lock.execute(&mut *transaction).await.map_err(failed)?;
        // Another process may have created the schema meanwhile.
        privileges = Privileges::look_up(&mut transaction, schema).await?;
        create(&mut transaction, &privileges, &texts).await?;
    }
    privileges.check_tables(&mut transaction, &tables().collect::<Vec<_>>()).await?;
    transaction.commit().await.map_err(failed)
}

/// Returns the names of all tables.
fn tables() -> impl Iterator<Item = &'static str> {
    let created = MIGRATIONS.iter().flat_map(|(_, _, sql)| sql.split("CREATE TABLE {schema}.").skip(1));
    let names = created.filter_map(|rest| rest.split([' ', '\n']).next());
    names.chain(["workflow_migrations"])
}

/// Returns whether every migration is applied.
async fn is_up_to_date(
    connection: &mut PgConnection,
    privileges: &Privileges,
    texts: &SqlTexts,
) -> Result<bool, Failure> {
    if !privileges.has_migrations {
        return Ok(false);
    }
    privileges.check_tables(connection, &["workflow_migrations"]).await?;
    let applied = applied(connection, texts).await?;
    Ok(unapplied(applied)?.is_empty())
}

/// Returns the failure of a schema that is not up to date and must not be changed.
async fn outdated(
    connection: &mut PgConnection,
    privileges: &Privileges,
    texts: &SqlTexts,
) -> Result<Failure, Failure> {
    let applied = if privileges.has_migrations { applied(connection, texts).await? } else { HashMap::new() };
    let is_empty = applied.is_empty();
    let missing = unapplied(applied)?.into_iter().next();
    let (version, name) =
        missing.map_or((0, "initial".into()), |migration| (migration.version, migration.description));
    let missing = MissingMigration::new(version, &name, is_empty);
    Ok(Failure::schema_outdated("open the database without migrating it", missing))
}

/// Returns the migrations that are not applied.
fn unapplied(mut applied: HashMap<i64, Vec<u8>>) -> Result<Vec<Migration>, Failure> {
    let mut unapplied = Vec::new();
    for &(version, description, sql) in MIGRATIONS {
        // The checksum covers the text before the schema's name is filled in, so it is the same in every schema.
        let kind = MigrationType::Simple;
        let migration = Migration::new(version, Cow::Borrowed(description), kind, sql.into_sql_str(), false);
        match applied.remove(&version) {
            Some(checksum) if checksum == *migration.checksum => {}
            Some(_) => return Err(Failure::permanent(ACTION, MigrateError::VersionMismatch(version))),
            None => unapplied.push(migration),
        }
    }
    match applied.keys().min() {
        Some(later) => Err(Failure::permanent(ACTION, MigrateError::VersionMissing(*later))),
        None => Ok(unapplied),
    }
}

/// Creates what is missing.
async fn create(
    connection: &mut PgConnection,
    privileges: &Privileges,
    texts: &SqlTexts,
) -> Result<(), Failure> {
    // `IF NOT EXISTS` would require the right to create even where nothing is to be created.
    if !privileges.has_schema {
        let create = sqlx::raw_sql(texts.fill("CREATE SCHEMA {schema}"));
        create.execute(&mut *connection).await.map_err(failed)?;
    }
    if !privileges.has_migrations {
        sqlx::raw_sql(texts.fill(TABLE)).execute(&mut *connection).await.map_err(failed)?;
    }
    for migration in unapplied(applied(connection, texts).await?)? {
        apply(connection, texts, &migration).await?;
    }
    Ok(())
}

/// Returns the checksums of the applied migrations, by version.
async fn applied(connection: &mut PgConnection, texts: &SqlTexts) -> Result<HashMap<i64, Vec<u8>>, Failure> {
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
