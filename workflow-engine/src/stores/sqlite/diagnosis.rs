//! The condition of a SQLite file.

use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;

use super::SqliteStore;
use super::columns::Columns;
use super::failure::Failure;
use super::options::Synchronous;
use crate::error::Error;
use crate::ports::{Diagnosis, StoreCondition, WaitingEvents};
use crate::stores::instant;
use crate::stores::rows::ReadColumns;

const DOING: &str = "diagnose the store";

const NEWEST_RUN: &str = "SELECT created_at FROM {prefix}runs WHERE id = (SELECT max(id) FROM {prefix}runs)";

/// Each subscriber has its own part of the index.
const WAITING: &str = "
    SELECT s.name, (SELECT count(*) FROM (SELECT 1 FROM {prefix}plugin_deliveries AS d
            WHERE d.plugin = s.name AND d.dlq_at IS NULL LIMIT 10000)) AS runs,
        (SELECT min(d.due_at) FROM {prefix}plugin_deliveries AS d WHERE d.plugin = s.name AND d.dlq_at IS NULL) AS oldest
    FROM {prefix}subscribers AS s ORDER BY s.name";

const UNPUBLISHED: &str = "
    SELECT count(*) FROM (SELECT 1 FROM {prefix}commits WHERE published_at IS NULL LIMIT 10000)";

const UNKNOWN_CALLS: &str = "
    SELECT count(*), coalesce(sum(reserved), 0) FROM
        (SELECT outcome, reserved FROM {prefix}ai_calls ORDER BY id DESC LIMIT 10000)
    WHERE outcome = 'UNKNOWN'";

/// The statements of this file, for the test of their query plans, except for the one that reads the few subscribers.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[NEWEST_RUN, UNPUBLISHED];

#[async_trait]
impl Diagnosis for SqliteStore {
    async fn condition(&self) -> Result<StoreCondition, Error> {
        let mut condition = StoreCondition::new(instant::now(&*self.clock));
        let newest = self.inspect(DOING, self.query(NEWEST_RUN)).await?;
        condition.newest_run_at =
            newest.first().map(|row| Columns::new(row, "runs", 0).instant("created_at")).transpose()?;
        if self.synchronous == Synchronous::Normal {
            condition.weak_settings.push("synchronous = normal".to_owned());
        }
        let waiting = self.inspect(DOING, self.query(WAITING)).await?;
        let waiting: Vec<_> = waiting.iter().map(waiting_events).collect::<Result<_, Failure>>()?;
        condition.waiting_events = waiting.into_iter().flatten().collect();
        let unpublished = self.inspect(DOING, self.query(UNPUBLISHED)).await?;
        if let Some(row) = unpublished.first() {
            condition.unpublished_commits = Columns::new(row, "commits", 0).int("count")?;
        }
        let unknown = self.inspect(DOING, self.query(UNKNOWN_CALLS)).await?;
        if let Some(row) = unknown.first() {
            let mut columns = Columns::new(row, "ai_calls", 0);
            (condition.unknown_calls, condition.unknown_cost) =
                (columns.int("count")?, columns.cost("reserved")?);
        }
        condition.log_bytes = self.files.log_bytes();
        condition.optional_indexes = self.read_indexes().await?;
        Ok(condition)
    }
}

/// Returns the events that wait for a subscriber, if some do.
fn waiting_events(row: &SqliteRow) -> Result<Option<WaitingEvents>, Failure> {
    let mut columns = Columns::new(row, "plugin_deliveries", 0);
    let (subscriber, runs) = (columns.text("name")?, columns.int("runs")?);
    let oldest = columns.maybe_instant("due_at")?;
    Ok(oldest.map(|oldest_due_at| WaitingEvents { subscriber, runs, oldest_due_at }))
}
