//! Finds out, when a store opens, whether a pooler shares the server's sessions among its clients.

use std::time::Duration;

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row, SqlStr};

use super::connection::StoreConnection;
use super::database::Database;
use super::failure::Failure;

/// Settings that a connection asks for when it begins. A pooler that ignores them shares its sessions, or at least does
/// not give what the store needs.
const SETTINGS: &str =
    "SELECT current_setting('enable_seqscan') || ' ' || current_setting('plan_cache_mode')";
const EXPECTED_SETTINGS: &str = "off force_generic_plan";

const SESSION: &str = "SELECT pg_backend_pid()::text";
const SESSION_IN_TRANSACTION: &str = "BEGIN; SELECT pg_backend_pid()::text";

/// How long the server may take to reply to a probe. A pooler with one session lets the second client wait for longer.
const MAX_PROBE: Duration = Duration::from_secs(2);

/// Opens the first connection, and finds out whether sessions are shared. Uses no prepared statement before that is known.
pub(super) async fn first_connection(database: &Database) -> Result<StoreConnection, Failure> {
    let sessions = &database.sessions;
    if sessions.are_shared() {
        return database.new_connection().await;
    }
    let mut connection = database.new_connection().await?;
    // Connecting notices a pooler that refuses the settings of a session.
    if sessions.are_shared() {
        return Ok(connection);
    }
    let Some(symptom) = symptom(database, &mut connection).await? else { return Ok(connection) };
    drop(connection);
    sessions.note_shared(symptom);
    database.discard_connections();
    database.new_connection().await
}

/// Returns how it shows that another client may get the session of `connection`.
async fn symptom(
    database: &Database,
    connection: &mut PgConnection,
) -> Result<Option<&'static str>, Failure> {
    if text(connection, SETTINGS).await? != EXPECTED_SETTINGS {
        return Ok(Some("it ignores the settings of a session"));
    }
    let session = text(connection, SESSION).await?;
    // While another client is in a transaction, in the most recently used session perhaps, this one would get another
    // session. The server may have no room for a second connection; then nothing is learned.
    let Ok(mut other) = database.new_connection().await else { return Ok(None) };
    let in_other = tokio::time::timeout(MAX_PROBE, text(&mut other, SESSION_IN_TRANSACTION)).await;
    let in_this = tokio::time::timeout(MAX_PROBE, text(connection, SESSION)).await;
    let ended = tokio::time::timeout(MAX_PROBE, sqlx::raw_sql("ROLLBACK").execute(&mut *other)).await;
    let is_shared = match (in_other, in_this) {
        (Ok(Ok(_)), Ok(Ok(in_this))) => in_this != session,
        (Ok(Ok(_)), Err(_)) => true,
        _ => false,
    };
    if !is_shared && matches!(ended, Ok(Ok(_))) {
        database.release(other);
    }
    Ok(is_shared.then_some("its transactions run in different sessions"))
}

/// Returns the text of a query that is sent without being prepared.
async fn text(connection: &mut PgConnection, sql: &'static str) -> Result<String, Failure> {
    let failed = |error| Failure::database("examine the connection", error);
    let rows: Vec<PgRow> =
        sqlx::raw_sql(SqlStr::from_static(sql)).fetch_all(connection).await.map_err(failed)?;
    let row = rows.last().ok_or_else(|| failed(sqlx::Error::RowNotFound))?;
    row.try_get(0).map_err(failed)
}
