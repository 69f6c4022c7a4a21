//! Signals: their queues in a commit, and reading them. Few commits have any, so each kind has a statement of its own.

use async_trait::async_trait;
use sqlx::Row;

use super::SqliteStore;
use super::arguments::{count, selected};
use super::columns::{record, records};
use super::failure::Failure;
use super::json_rows::JsonRows;
use super::session::Session;
use crate::error::Error;
use crate::ports::{SignalWaitQuery, Signals};
use crate::records::{SignalRecord, SignalWait};
use crate::stores::footprint::Footprint;
use crate::stores::rows::{
    RowList, StoredQueue, WriteColumns, signal_columns, signal_queue_columns, signal_wait_columns,
};
use crate::stores::signal_waits::merged;
use crate::stores::working_set::WorkingSet;
use crate::value::{RunId, StageKey};

/// The state of the named queues. Signals are consumed in the order of their numbers.
const LOAD: &str = concat!(
    "SELECT ",
    signal_queue_columns!(flat_row),
    " FROM (
        SELECT n.value ->> 0 AS workflow_run_id, n.value ->> 1 AS stage_id, n.value ->> 2 AS place,
            coalesce((SELECT max(g.number) FROM {prefix}signals AS g
                WHERE g.workflow_run_id = n.value ->> 0 AND g.stage_id = n.value ->> 1
                    AND g.place = n.value ->> 2), 0) AS last,
            coalesce((SELECT max(g.number) FROM {prefix}signals AS g
                WHERE g.workflow_run_id = n.value ->> 0 AND g.stage_id = n.value ->> 1
                    AND g.place = n.value ->> 2 AND g.consumed_at IS NOT NULL), 0) AS consumed,
            (SELECT g.actor FROM {prefix}signals AS g
                WHERE g.workflow_run_id = n.value ->> 0 AND g.stage_id = n.value ->> 1
                    AND g.place = n.value ->> 2 AND g.consumed_at IS NULL ORDER BY g.number LIMIT 1) AS first_actor
        FROM jsonb_each(?1) AS n
    ) AS q"
);

pub(super) const INSERT: &str = "
    INSERT INTO {prefix}signals (workflow_run_id, stage_id, place, number, payload, actor, created_at)
    SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6
    FROM jsonb_each(?1)";

pub(super) const CONSUME: &str = "
    UPDATE {prefix}signals SET consumed_by = n.value ->> 4, consumed_at = n.value ->> 5
    FROM jsonb_each(?1) AS n
    WHERE {prefix}signals.workflow_run_id = n.value ->> 0 AND {prefix}signals.stage_id = n.value ->> 1
        AND {prefix}signals.place = n.value ->> 2 AND {prefix}signals.number = n.value ->> 3";

const ALL: &str = concat!(
    "SELECT ",
    signal_columns!(flat_row),
    " FROM {prefix}signals AS g WHERE g.workflow_run_id = ?1 AND (?2 IS NULL OR g.stage_id = ?2 AND (?3 = '' OR g.place = ?3))
    ORDER BY g.stage_id, g.place, g.number"
);

const NEXT: &str = concat!(
    "SELECT ",
    signal_columns!(flat_row),
    " FROM {prefix}signals AS g
    WHERE g.workflow_run_id = ?1 AND g.stage_id = ?2 AND g.place = ?3 AND g.consumed_at IS NULL
    ORDER BY g.number LIMIT 1"
);

/// The waits of the stage ?2 in the definition ?1, after the wait ?3, ?4, ?5, ?6.
/// The `+` lets SQLite order by `stage_id` as the index does, and not leave it out as a constant.
const WAITS: &str = concat!(
    "SELECT ",
    signal_wait_columns!(flat_row),
    " FROM (
        SELECT j.workflow_run_id, j.workflow_id, j.definition_fingerprint, j.stage_id, j.place, s.stage_name,
            s.suspended_state, s.suspended_state_blob, s.stage_number, s.started_at, j.run_at
        FROM {prefix}job_queue AS j
        CROSS JOIN {prefix}stage_rows AS s
            ON s.workflow_run_id = j.workflow_run_id AND s.stage_id = j.stage_id AND s.place = j.place
        WHERE j.status = 'SUSPENDED' AND j.definition_fingerprint = ?1 AND +j.stage_id = ?2
            AND j.run_at >= ?3 AND (j.run_at > ?3 OR (j.workflow_run_id, j.stage_id, j.place) > (?4, ?5, ?6))
            AND NOT EXISTS (SELECT 1 FROM {prefix}signals AS g WHERE g.workflow_run_id = j.workflow_run_id
                AND g.stage_id = j.stage_id AND g.place = j.place AND g.consumed_at IS NULL)
        ORDER BY j.run_at, j.workflow_run_id, j.stage_id, j.place LIMIT ?7
    ) AS w"
);

/// Steps from one definition to the next: reads one entry of the index for each.
const DEFINITIONS: &str = "
    WITH RECURSIVE p (fingerprint) AS (
        SELECT min(j.definition_fingerprint) FROM {prefix}job_queue AS j WHERE j.status = 'SUSPENDED'
        UNION ALL
        SELECT (SELECT min(j.definition_fingerprint) FROM {prefix}job_queue AS j
            WHERE j.status = 'SUSPENDED' AND j.definition_fingerprint > p.fingerprint)
        FROM p WHERE p.fingerprint IS NOT NULL
    )
    SELECT p.fingerprint FROM p WHERE p.fingerprint IS NOT NULL";

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[LOAD, INSERT, CONSUME, ALL, NEXT, WAITS, DEFINITIONS];

/// Loads the state of the named queues, if there are any.
pub(super) fn load(session: &Session, footprint: &Footprint, set: &mut WorkingSet) -> Result<(), Failure> {
    if footprint.signals.is_empty() {
        return Ok(());
    }
    let mut named = JsonRows::default();
    for (run_id, stage_key) in &footprint.signals {
        named.push(|row| _ = row.run_id(*run_id).stage_key(stage_key));
    }
    session.prepare("load signals", LOAD).read(
        |arguments| _ = arguments.text(&named.finish()),
        |row| {
            let StoredQueue(key, queue) = record(row)?;
            set.signals.insert(key, queue);
            Ok(())
        },
    )
}

#[async_trait]
impl Signals for SqliteStore {
    async fn signals(&self, run_id: RunId, stage_key: Option<&StageKey>) -> Result<Vec<SignalRecord>, Error> {
        let (stage_id, place) = selected(stage_key);
        let query = self.query(ALL).bind(run_id.to_string()).bind(stage_id).bind(place);
        Ok(records(&self.read("read the signals of a run", query).await?)?)
    }

    async fn next_signal(&self, run_id: RunId, stage_key: &StageKey) -> Result<Option<SignalRecord>, Error> {
        let query = self.query(NEXT).bind(run_id.to_string());
        let query = query.bind(stage_key.id.clone()).bind(stage_key.place.column());
        let rows = self.read("read the next signal of a stage", query).await?;
        Ok(rows.first().map(record).transpose()?)
    }

    async fn suspended_definitions(&self) -> Result<Vec<String>, Error> {
        const DOING: &str = "read definitions with suspended stages";

        let rows = self.inspect(DOING, self.query(DEFINITIONS)).await?;
        let found = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>();
        Ok(found.map_err(|error| Failure::database(DOING, error))?)
    }

    async fn signal_waits(&self, query: &SignalWaitQuery) -> Result<Vec<SignalWait>, Error> {
        let mut found: Vec<SignalWait> = Vec::new();
        let after = query.after.as_ref();
        let deadline = after.map_or(i64::MIN, |(deadline, ..)| deadline.timestamp_micros());
        let run = after.map(|(_, run_id, _)| run_id.to_string()).unwrap_or_default();
        let last = after.map(|(.., stage_key)| stage_key.clone()).unwrap_or_default();
        // A table cannot be joined to the first rows of each definition here.
        for (fingerprint, stage_id) in &query.stages {
            let statement = self.query(WAITS).bind(fingerprint.clone()).bind(stage_id.clone());
            let statement =
                statement.bind(deadline).bind(run.clone()).bind(last.id.clone()).bind(last.place.column());
            let statement = statement.bind(count(query.limit));
            let waits: Vec<SignalWait> =
                records(&self.inspect("read stages that wait for a signal", statement).await?)?;
            found.extend(waits);
        }
        Ok(merged(found, query.limit))
    }
}
