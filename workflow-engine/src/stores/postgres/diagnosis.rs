//! The condition of a PostgreSQL database.

use async_trait::async_trait;
use sqlx::postgres::PgRow;

use super::PostgresStore;
use super::columns::Columns;
use super::failure::Failure;
use crate::error::Error;
use crate::ports::{Connections, Diagnosis, OpenTransaction, StoreCondition, WaitingEvents};
use crate::stores::rows::ReadColumns;

const ACTION: &str = "diagnose the store";

const STORE: &str = "
    SELECT NULL::uuid, ARRAY[getdatabaseencoding()::text],
        ARRAY[(SELECT count(*) FROM (SELECT 1 FROM {schema}.workflow_commits WHERE published_at IS NULL LIMIT 10000) AS c),
            (SELECT count(*) FROM pg_stat_activity), current_setting('max_connections')::bigint],
        ARRAY[clock_timestamp(), (SELECT created_at FROM {schema}.workflow_runs ORDER BY id DESC LIMIT 1)]";

const WEAK_SETTINGS: &str = "
    SELECT NULL::uuid, ARRAY[name || ' = ' || setting]::text[], ARRAY[]::bigint[], ARRAY[]::timestamptz[]
    FROM pg_settings
    WHERE name IN ('fsync', 'full_page_writes', 'synchronous_commit') AND setting = 'off' ORDER BY name";

const WAITING: &str = "
    SELECT NULL::uuid, ARRAY[s.name]::text[],
        ARRAY[(SELECT count(*) FROM (SELECT 1 FROM {schema}.workflow_plugin_deliveries AS d
            WHERE d.plugin = s.name AND d.dlq_at IS NULL LIMIT 10000) AS l)],
        ARRAY[(SELECT min(d.due_at) FROM {schema}.workflow_plugin_deliveries AS d
            WHERE d.plugin = s.name AND d.dlq_at IS NULL)]
    FROM {schema}.workflow_subscribers AS s ORDER BY s.name";

const UNKNOWN_CALLS: &str = "
    SELECT NULL::uuid, ARRAY[]::text[], ARRAY[count(*), coalesce(sum(reserved), 0)::bigint], ARRAY[]::timestamptz[]
    FROM (SELECT outcome, reserved FROM {schema}.workflow_ai_calls ORDER BY id DESC LIMIT 10000) AS c
    WHERE outcome = 'UNKNOWN'";

/// A role sees the start of its own transactions only, unless it may read all statistics.
const OPEN_TRANSACTIONS: &str = "
    SELECT NULL::uuid, ARRAY[concat_ws(' ', usename, nullif(application_name, '')), coalesce(state, '')]::text[],
        ARRAY[pid::bigint], ARRAY[xact_start]
    FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
        AND xact_start < clock_timestamp() - interval '1 second'
    ORDER BY xact_start LIMIT 20";

#[async_trait]
impl Diagnosis for PostgresStore {
    async fn condition(&self) -> Result<StoreCondition, Error> {
        let rows = self.inspect(ACTION, |database| database.query(STORE)).await?;
        let row = rows.first().ok_or_else(|| Error::store_failed(ACTION, sqlx::Error::RowNotFound))?;
        let mut condition = store(row)?;
        let weak = self.inspect(ACTION, |database| database.query(WEAK_SETTINGS)).await?;
        let setting = |row| Columns::new(row, "pg_settings")?.text("setting");
        condition.weak_settings = weak.iter().map(setting).collect::<Result<_, Failure>>()?;
        let waiting = self.inspect(ACTION, |database| database.query(WAITING)).await?;
        let waiting: Vec<_> = waiting.iter().map(waiting_events).collect::<Result<_, Failure>>()?;
        condition.waiting_events = waiting.into_iter().flatten().collect();
        let unknown = self.inspect(ACTION, |database| database.query(UNKNOWN_CALLS)).await?;
        if let Some(row) = unknown.first() {
            let mut columns = Columns::new(row, "workflow_ai_calls")?;
            (condition.unknown_calls, condition.unknown_cost) =
                (columns.int("count")?, columns.cost("reserved")?);
        }
        let open = self.inspect(ACTION, |database| database.query(OPEN_TRANSACTIONS)).await?;
        condition.open_transactions = open.iter().map(open_transaction).collect::<Result<_, Failure>>()?;
        condition.optional_indexes = self.read_indexes().await?;
        Ok(condition)
    }
}

fn store(row: &PgRow) -> Result<StoreCondition, Failure> {
    let mut columns = Columns::new(row, "workflow_runs")?;
    let condition = StoreCondition::new(columns.instant("clock_timestamp")?);
    let newest_run_at = columns.maybe_instant("created_at")?;
    let unpublished_commits = columns.int("count")?;
    let encoding = columns.text("encoding")?;
    let connections = Connections { used: columns.int("used")?, limit: columns.int("limit")? };
    let narrow_encoding = (encoding != "UTF8").then_some(encoding);
    Ok(StoreCondition {
        newest_run_at,
        unpublished_commits,
        narrow_encoding,
        connections: Some(connections),
        ..condition
    })
}

/// Returns the events that wait for a subscriber, if some do.
fn waiting_events(row: &PgRow) -> Result<Option<WaitingEvents>, Failure> {
    let mut columns = Columns::new(row, "workflow_plugin_deliveries")?;
    let (subscriber, runs) = (columns.text("name")?, columns.int("runs")?);
    let oldest = columns.maybe_instant("due_at")?;
    Ok(oldest.map(|oldest_due_at| WaitingEvents { subscriber, runs, oldest_due_at }))
}

fn open_transaction(row: &PgRow) -> Result<OpenTransaction, Failure> {
    let mut columns = Columns::new(row, "pg_stat_activity")?;
    Ok(OpenTransaction {
        session: columns.int("pid")?,
        owner: columns.text("owner")?,
        state: columns.text("state")?,
        since: columns.instant("xact_start")?,
    })
}
