//! Signals: their queues in a commit, and reading them. Few commits have any, so each kind has a separate statement.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::Row;
use uuid::Uuid;

use super::PostgresStore;
use super::arrays::number;
use super::columns::{self, record};
use super::failure::Failure;
use super::key_columns::{KeyColumns, named, selected};
use super::text::stored;
use super::transaction::Transaction;
use crate::error::Error;
use crate::ports::{SignalWaitQuery, Signals};
use crate::records::{SignalRecord, SignalWait};
use crate::stores::footprint::Footprint;
use crate::stores::rows::{StoredQueue, signal_columns, signal_queue_columns, signal_wait_columns};
use crate::stores::working_set::WorkingSet;
use crate::value::{RunId, StageKey};

/// The state of the named queues. Signals are consumed in the order of their numbers.
const LOAD: &str = concat!(
    "SELECT ",
    signal_queue_columns!(array_row),
    " FROM (
        SELECT n.run_id AS workflow_run_id, n.stage_id, n.place,
            coalesce((SELECT max(g.number) FROM {schema}.workflow_signals AS g
                WHERE g.workflow_run_id = n.run_id AND g.stage_id = n.stage_id AND g.place = n.place), 0) AS last,
            coalesce((SELECT max(g.number) FROM {schema}.workflow_signals AS g
                WHERE g.workflow_run_id = n.run_id AND g.stage_id = n.stage_id AND g.place = n.place
                    AND g.consumed_at IS NOT NULL), 0) AS consumed,
            (SELECT g.actor FROM {schema}.workflow_signals AS g
                WHERE g.workflow_run_id = n.run_id AND g.stage_id = n.stage_id AND g.place = n.place
                    AND g.consumed_at IS NULL ORDER BY g.number LIMIT 1) AS first_actor
        FROM unnest($1, $2, $3) AS n (run_id, stage_id, place)
    ) AS q"
);

pub(super) const INSERT: &str = "
    INSERT INTO {schema}.workflow_signals (workflow_run_id, stage_id, place, number, payload, actor, created_at)
    SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7)";

pub(super) const CONSUME: &str = "
    UPDATE {schema}.workflow_signals AS g SET consumed_by = n.consumed_by, consumed_at = n.consumed_at
    FROM unnest($1, $2, $3, $4, $5, $6) AS n (run_id, stage_id, place, number, consumed_by, consumed_at)
    WHERE g.workflow_run_id = n.run_id AND g.stage_id = n.stage_id AND g.place = n.place AND g.number = n.number";

pub(super) const ALL: &str = concat!(
    "SELECT ",
    signal_columns!(array_row),
    " FROM {schema}.workflow_signals AS g WHERE g.workflow_run_id = $1 AND ($2::text IS NULL OR g.stage_id = $2 AND ($3 = '' OR g.place = $3))
    ORDER BY g.stage_id, g.place, g.number"
);

pub(super) const NEXT: &str = concat!(
    "SELECT ",
    signal_columns!(array_row),
    " FROM {schema}.workflow_signals AS g
    WHERE g.workflow_run_id = $1 AND g.stage_id = $2 AND g.place = $3 AND g.consumed_at IS NULL
    ORDER BY g.number LIMIT 1"
);

/// Reads the range of the index of each definition up to the limit. `NOT EXISTS` would become a join, for which the planner
/// may read the signals of all runs.
pub(super) const WAITS: &str = concat!(
    "SELECT ",
    signal_wait_columns!(array_row),
    " FROM unnest($1, $2) AS d (definition, stage) CROSS JOIN LATERAL (
        SELECT j.workflow_run_id, j.workflow_id, j.definition_fingerprint, j.stage_id, j.place, s.stage_name,
            s.suspended_state, s.suspended_state_blob, s.stage_number, s.started_at, j.run_at
        FROM {schema}.workflow_job_queue AS j
        JOIN {schema}.workflow_stage_rows AS s
            ON s.workflow_run_id = j.workflow_run_id AND s.stage_id = j.stage_id AND s.place = j.place
        WHERE j.status = 'SUSPENDED' AND j.definition_fingerprint = d.definition AND j.stage_id = d.stage
            AND (j.run_at, j.workflow_run_id, j.stage_id, j.place) > ($3, $4, $5, $6)
            AND (SELECT g.number FROM {schema}.workflow_signals AS g WHERE g.workflow_run_id = j.workflow_run_id
                AND g.stage_id = j.stage_id AND g.place = j.place AND g.consumed_at IS NULL LIMIT 1) IS NULL
        ORDER BY j.run_at, j.workflow_run_id, j.stage_id, j.place LIMIT $7
    ) AS w
    ORDER BY w.run_at, w.workflow_run_id, w.stage_id, w.place LIMIT $7"
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
    let named = KeyColumns::of(footprint.signals.iter().map(|(run_id, stage_key)| (*run_id, stage_key)));
    let query = named.bind(transaction.query(LOAD));
    for row in &transaction.fetch("load signals", query).await? {
        let StoredQueue(key, queue) = record(row)?;
        set.signals.insert(key, queue);
    }
    Ok(())
}

#[async_trait]
impl Signals for PostgresStore {
    async fn signals(&self, run_id: RunId, stage_key: Option<&StageKey>) -> Result<Vec<SignalRecord>, Error> {
        let (id, (stage, place)) = (*run_id.as_uuid(), selected(stage_key));
        let rows = self.read("read the signals of a run", move |database| {
            database.query(ALL).bind(id).bind(stage.clone()).bind(place.clone())
        });
        Ok(columns::records(&rows.await?)?)
    }

    async fn next_signal(&self, run_id: RunId, stage_key: &StageKey) -> Result<Option<SignalRecord>, Error> {
        let (id, (stage, place)) = (*run_id.as_uuid(), named(stage_key));
        let rows = self.read("read the next signal of a stage", move |database| {
            database.query(NEXT).bind(id).bind(stage.clone()).bind(place.clone())
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
        let asked = query.stages.iter().cloned();
        let (definitions, stages): (Vec<String>, Vec<String>) =
            asked.map(|(definition, stage)| (definition, stored(&stage).into_owned())).unzip();
        let (deadline, run, stage_key) = match query.after.clone() {
            Some((deadline, run_id, stage_key)) => (deadline, *run_id.as_uuid(), stage_key),
            None => (DateTime::<Utc>::UNIX_EPOCH, Uuid::nil(), StageKey::default()),
        };
        let (stage, place) = named(&stage_key);
        let limit = number(query.limit);
        let rows = self.inspect("read stages that wait for a signal", move |database| {
            let query = database.query(WAITS).bind(definitions.clone()).bind(stages.clone());
            query.bind(deadline).bind(run).bind(stage.clone()).bind(place.clone()).bind(limit)
        });
        Ok(columns::records(&rows.await?)?)
    }
}
