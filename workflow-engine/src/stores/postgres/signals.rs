//! Signals: their queues in a commit, and reading them. Few commits have any, so each kind has a separate statement.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::Row;
use uuid::Uuid;

use super::PostgresStore;
use super::arrays::number;
use super::columns::{self, record};
use super::failure::Failure;
use super::text::stored;
use super::transaction::Transaction;
use crate::error::Error;
use crate::ports::{SignalWaitQuery, Signals};
use crate::records::{SignalRecord, SignalWait};
use crate::stores::footprint::Footprint;
use crate::stores::rows::{StoredQueue, signal_columns, signal_queue_columns, signal_wait_columns};
use crate::stores::working_set::WorkingSet;
use crate::value::RunId;

/// The state of the named queues. Signals are consumed in the order of their numbers.
const LOAD: &str = concat!(
    "SELECT ",
    signal_queue_columns!(array_row),
    " FROM (
        SELECT n.run_id AS workflow_run_id, n.stage_id,
            coalesce((SELECT max(g.number) FROM {schema}.workflow_signals AS g
                WHERE g.workflow_run_id = n.run_id AND g.stage_id = n.stage_id AND g.place = ''), 0) AS last,
            coalesce((SELECT max(g.number) FROM {schema}.workflow_signals AS g
                WHERE g.workflow_run_id = n.run_id AND g.stage_id = n.stage_id AND g.place = ''
                    AND g.consumed_at IS NOT NULL), 0) AS consumed,
            (SELECT g.actor FROM {schema}.workflow_signals AS g
                WHERE g.workflow_run_id = n.run_id AND g.stage_id = n.stage_id AND g.place = ''
                    AND g.consumed_at IS NULL ORDER BY g.number LIMIT 1) AS first_actor
        FROM unnest($1, $2) AS n (run_id, stage_id)
    ) AS q"
);

pub(super) const INSERT: &str = "
    INSERT INTO {schema}.workflow_signals (workflow_run_id, stage_id, number, payload, actor, created_at)
    SELECT * FROM unnest($1, $2, $3, $4, $5, $6)";

pub(super) const CONSUME: &str = "
    UPDATE {schema}.workflow_signals AS g SET consumed_by = n.consumed_by, consumed_at = n.consumed_at
    FROM unnest($1, $2, $3, $4, $5) AS n (run_id, stage_id, number, consumed_by, consumed_at)
    WHERE g.workflow_run_id = n.run_id AND g.stage_id = n.stage_id AND g.place = '' AND g.number = n.number";

pub(super) const ALL: &str = concat!(
    "SELECT ",
    signal_columns!(array_row),
    " FROM {schema}.workflow_signals AS g WHERE g.workflow_run_id = $1 AND ($2::text IS NULL OR g.stage_id = $2)
    ORDER BY g.stage_id, g.place, g.number"
);

pub(super) const NEXT: &str = concat!(
    "SELECT ",
    signal_columns!(array_row),
    " FROM {schema}.workflow_signals AS g
    WHERE g.workflow_run_id = $1 AND g.stage_id = $2 AND g.place = '' AND g.consumed_at IS NULL
    ORDER BY g.number LIMIT 1"
);

/// Reads the range of the index of each definition up to the limit. `NOT EXISTS` would become a join, for which the planner
/// may read the signals of all runs.
pub(super) const WAITS: &str = concat!(
    "SELECT ",
    signal_wait_columns!(array_row),
    " FROM unnest($1, $2) AS d (definition, stage) CROSS JOIN LATERAL (
        SELECT j.workflow_run_id, j.workflow_id, j.definition_fingerprint, j.stage_id, s.stage_name, s.suspended_state,
            s.suspended_state_blob, s.stage_number, s.started_at, j.run_at
        FROM {schema}.workflow_job_queue AS j
        JOIN {schema}.workflow_stage_rows AS s ON s.workflow_run_id = j.workflow_run_id AND s.stage_id = j.stage_id
        WHERE j.status = 'SUSPENDED' AND j.definition_fingerprint = d.definition AND j.stage_id = d.stage
            AND (j.run_at, j.workflow_run_id, j.stage_id) > ($3, $4, $5)
            AND (SELECT g.number FROM {schema}.workflow_signals AS g WHERE g.workflow_run_id = j.workflow_run_id
                AND g.stage_id = j.stage_id AND g.place = '' AND g.consumed_at IS NULL LIMIT 1) IS NULL
        ORDER BY j.run_at, j.workflow_run_id, j.stage_id LIMIT $6
    ) AS w
    ORDER BY w.run_at, w.workflow_run_id, w.stage_id LIMIT $6"
);

/// Steps from one definition to the next: reads one entry of the index for each.
pub(super) const DEFINITIONS: &str = "
    WITH RECURSIVE d (fingerprint) AS (
        SELECT min(j.definition_fingerprint) FROM {schema}.workflow_job_queue AS j WHERE j.status = 'SUSPENDED'
        UNION ALL
        SELECT (SELECT min(j.definition_fingerprint) FROM {schema}.workflow_job_queue AS j
            WHERE j.status = 'SUSPENDED' AND j.definition_fingerprint > d.fingerprint)
        FROM d WHERE d.fingerprint IS NOT NULL
    )
    SELECT d.fingerprint FROM d WHERE d.fingerprint IS NOT NULL";

/// Loads the state of the named queues, if there are any. The rows are of the state that the commit compares, or of a
/// later one, which it then refuses.
pub(super) async fn load(
    transaction: &mut Transaction,
    footprint: &Footprint,
    set: &mut WorkingSet,
) -> Result<(), Failure> {
    if footprint.signals.is_empty() {
        return Ok(());
    }
    let named = footprint.signals.iter();
    let named = named.map(|(run_id, stage_id)| (*run_id.as_uuid(), stored(stage_id).into_owned()));
    let (runs, stages): (Vec<Uuid>, Vec<String>) = named.unzip();
    let query = transaction.query(LOAD).bind(runs).bind(stages);
    for row in &transaction.fetch("load signals", query).await? {
        let StoredQueue(key, queue) = record(row)?;
        set.signals.insert(key, queue);
    }
    Ok(())
}

#[async_trait]
impl Signals for PostgresStore {
    async fn signals(&self, run_id: RunId, stage_id: Option<&str>) -> Result<Vec<SignalRecord>, Error> {
        let (id, stage) = (*run_id.as_uuid(), stage_id.map(|stage_id| stored(stage_id).into_owned()));
        let rows = self.read("read the signals of a run", move |database| {
            database.query(ALL).bind(id).bind(stage.clone())
        });
        Ok(columns::records(&rows.await?)?)
    }

    async fn next_signal(&self, run_id: RunId, stage_id: &str) -> Result<Option<SignalRecord>, Error> {
        let (id, stage) = (*run_id.as_uuid(), stored(stage_id).into_owned());
        let rows = self.read("read the next signal of a stage", move |database| {
            database.query(NEXT).bind(id).bind(stage.clone())
        });
        Ok(rows.await?.first().map(record).transpose()?)
    }

    async fn suspended_definitions(&self) -> Result<Vec<String>, Error> {
        const ACTION: &str = "read definitions with suspended stages";

        let rows = self.inspect(ACTION, |database| database.query(DEFINITIONS)).await?;
        let found = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>();
        Ok(found.map_err(|error| Failure::database(ACTION, error))?)
    }

    async fn signal_waits(&self, query: &SignalWaitQuery) -> Result<Vec<SignalWait>, Error> {
        let named = query.stages.iter().cloned();
        let (definitions, stages): (Vec<String>, Vec<String>) =
            named.map(|(definition, stage)| (definition, stored(&stage).into_owned())).unzip();
        let (deadline, run, stage) = match query.after.clone() {
            Some((deadline, run_id, stage_id)) => {
                (deadline, *run_id.as_uuid(), stored(&stage_id).into_owned())
            }
            None => (DateTime::<Utc>::UNIX_EPOCH, Uuid::nil(), String::new()),
        };
        let limit = number(query.limit);
        let rows = self.inspect("read stages that wait for a signal", move |database| {
            let query = database.query(WAITS).bind(definitions.clone()).bind(stages.clone());
            query.bind(deadline).bind(run).bind(stage.clone()).bind(limit)
        });
        Ok(columns::records(&rows.await?)?)
    }
}
