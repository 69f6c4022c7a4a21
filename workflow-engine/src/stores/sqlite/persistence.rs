//! The store on SQLite as persistence.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::Row;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments};

use super::SqliteStore;
use super::arguments::{count, selected};
use super::columns::{Columns, commit_of, json_records, json_row, record, records};
use super::definition_queries::{self, per_definition};
use super::failure::Failure;
use super::json_rows::JsonRows;
use super::load::{LOAD_WHOLE, put_whole};
use super::side_rows::{ANNOTATIONS, ANNOTATIONS_OF_KEY, ARTIFACT, ARTIFACTS};
use crate::error::Error;
use crate::ports::{AnnotationFilter, Commit, Decide, Decision, Hints, Persistence, Snapshot};
use crate::records::{
    AnnotationRecord, ArtifactRecord, BlobKey, Event, LogRecord, RunRecord, RunRequest, StageRecord,
    StoredValue,
};
use crate::stores::commit::{LockedCommit, Work};
use crate::stores::fair_order::{FairOrder, QueueEntry};
use crate::stores::instant;
use crate::stores::rows::{
    RowList, WriteColumns, commit, commit_columns, log_columns, run_columns, stage_columns,
};
use crate::stores::working_set::WorkingSet;
use crate::value::{Json, RunId, StageKey};

const RUN: &str = concat!("SELECT ", json_row!(run_columns), " FROM {prefix}runs AS r WHERE r.id = ?1");

const REQUEST: &str = "SELECT workflow_run_id, input, config, metadata FROM {prefix}commits WHERE workflow_run_id = ?1 AND sequence = 1";

const STAGE: &str = concat!(
    "SELECT ",
    json_row!(stage_columns),
    " FROM {prefix}stage_rows AS s WHERE s.workflow_run_id = ?1 AND s.stage_id = ?2 AND s.place = ?3"
);

const COMPLETED_STAGES: &str = concat!(
    "SELECT ",
    json_row!(stage_columns),
    " FROM jsonb_each(?2) AS n CROSS JOIN {prefix}stage_rows AS s
    ON s.workflow_run_id = ?1 AND s.stage_id = n.value ->> 0 AND s.place = n.value ->> 1
    WHERE s.status = 'COMPLETED'"
);

const BLOB: &str = "SELECT value FROM {prefix}blobs WHERE key = ?1";

/// The commits with the events from number ?2 to number ?3.
const EVENTS: &str = concat!(
    "SELECT ",
    commit_columns!(flat_row),
    " FROM {prefix}commits AS c WHERE c.workflow_run_id = ?1 AND c.sequence <= ?3 AND c.sequence >= ",
    commit_of!("?1", "?2"),
    " ORDER BY c.sequence"
);

const LOGS: &str = concat!(
    "SELECT ",
    log_columns!(flat_row),
    " FROM {prefix}logs AS l WHERE l.workflow_run_id = ?1 AND l.id > ?2 ORDER BY l.id LIMIT ?3"
);

/// The first runs to start of one definition.
macro_rules! pending_runs {
    ($definition:literal) => {
        concat!(
            "SELECT * FROM (SELECT ",
            json_row!(run_columns),
            " FROM {prefix}runs AS r WHERE r.status = 'PENDING' AND r.due_at IS NULL AND r.definition_fingerprint = ",
            $definition,
            " ORDER BY r.priority DESC, r.created_at, r.id LIMIT ?9)"
        )
    };
}

const PENDING_RUNS: &str = per_definition!(pending_runs, "");

const UNFINISHED_RUNS: &str = concat!(
    "SELECT ",
    json_row!(run_columns),
    " FROM {prefix}runs AS r WHERE r.workflow_id = ?1 AND r.completed_at IS NULL ORDER BY r.created_at, r.id"
);

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] =
    &[RUN, REQUEST, STAGE, COMPLETED_STAGES, BLOB, EVENTS, LOGS, PENDING_RUNS, UNFINISHED_RUNS];

#[async_trait]
impl Persistence for SqliteStore {
    async fn commit(&self, decision: Decision) -> Result<Commit, Error> {
        self.commit_shared(Arc::new(decision)).await
    }

    async fn commit_shared(&self, decision: Arc<Decision>) -> Result<Commit, Error> {
        self.request("commit", Work::Commit, decision).await
    }

    async fn commit_locked(&self, run_id: RunId, decide: Decide) -> Result<Commit, Error> {
        self.request("commit", Work::CommitLocked, LockedCommit::new(run_id, decide)).await
    }

    async fn snapshot(&self, run_id: RunId) -> Result<Option<Snapshot>, Error> {
        let rows = self.read("read a run", self.query(LOAD_WHOLE).bind(run_id.to_string())).await?;
        let mut set = WorkingSet::default();
        put_whole(&rows, &mut set)?;
        Ok(set.snapshot(run_id))
    }

    async fn run(&self, run_id: RunId) -> Result<Option<RunRecord>, Error> {
        let rows = self.read("read a run", self.query(RUN).bind(run_id.to_string())).await?;
        Ok(json_records(&rows)?.pop())
    }

    async fn request(&self, run_id: RunId) -> Result<Option<RunRequest>, Error> {
        let query = self.query(REQUEST).bind(run_id.to_string());
        let rows = self.read("read the request of a run", query).await?;
        Ok(rows.first().map(record).transpose()?)
    }

    async fn stages(&self, run_id: RunId) -> Result<Vec<StageRecord>, Error> {
        let snapshot = self.snapshot(run_id).await?;
        Ok(snapshot.map(|snapshot| snapshot.stages).unwrap_or_default())
    }

    async fn stage(&self, run_id: RunId, stage_key: &StageKey) -> Result<Option<StageRecord>, Error> {
        let query = self.query(STAGE).bind(run_id.to_string());
        let query = query.bind(stage_key.id.clone()).bind(stage_key.place.column());
        let rows = self.read("read a stage of a run", query).await?;
        match json_records(&rows)?.pop() {
            Some(stage) => Ok(Some(stage)),
            // It may have no row.
            None => Ok(self.stages(run_id).await?.into_iter().find(|stage| stage.is(stage_key))),
        }
    }

    async fn outputs(
        &self,
        run_id: RunId,
        stage_keys: &[StageKey],
    ) -> Result<HashMap<StageKey, StoredValue>, Error> {
        let mut named = JsonRows::default();
        for key in stage_keys {
            named.push(|row| _ = row.stage_key(key));
        }
        let query = self.query(COMPLETED_STAGES).bind(run_id.to_string()).bind(named.finish());
        let rows = self.read("read the outputs of a run", query).await?;
        let stages = json_records::<StageRecord>(&rows)?.into_iter();
        Ok(stages.filter_map(|stage| Some((stage.key(), stage.output?))).collect())
    }

    async fn blob(&self, key: &BlobKey) -> Result<Option<Json>, Error> {
        const DOING: &str = "read a blob";

        let rows = self.read(DOING, self.query(BLOB).bind(key.0.clone())).await?;
        let text = rows.first().map(|row| row.try_get::<&str, _>(0)).transpose();
        Ok(text.map_err(|error| Failure::database(DOING, error))?.map(Json::trusted))
    }

    async fn annotations(
        &self,
        run_id: RunId,
        filter: &AnnotationFilter,
    ) -> Result<Vec<AnnotationRecord>, Error> {
        let query = self.query(ANNOTATIONS).bind(run_id.to_string()).bind(None::<String>);
        self.read_annotations(query, filter).await
    }

    async fn annotations_of_key(
        &self,
        key: &str,
        filter: &AnnotationFilter,
    ) -> Result<Vec<AnnotationRecord>, Error> {
        let query = self.query(ANNOTATIONS_OF_KEY).bind(None::<String>).bind(key.to_owned());
        self.read_annotations(query, filter).await
    }

    async fn artifacts(
        &self,
        run_id: RunId,
        stage_key: Option<&StageKey>,
    ) -> Result<Vec<ArtifactRecord>, Error> {
        let (stage_id, place) = selected(stage_key);
        let query = self.query(ARTIFACTS).bind(run_id.to_string()).bind(stage_id).bind(place);
        let rows = self.read("read the artifacts of a run", query).await?;
        Ok(records(&rows)?)
    }

    async fn artifact(
        &self,
        run_id: RunId,
        stage_key: &StageKey,
        key: &str,
    ) -> Result<Option<ArtifactRecord>, Error> {
        let query = self.query(ARTIFACT).bind(run_id.to_string());
        let query = query.bind(stage_key.id.clone()).bind(stage_key.place.column()).bind(key.to_owned());
        let rows = self.read("read an artifact", query).await?;
        Ok(rows.first().map(record).transpose()?)
    }

    async fn events(&self, run_id: RunId, after: u64, limit: usize) -> Result<Vec<Event>, Error> {
        // Numbers have no gaps, so the limit is a number too.
        let (first, last) = (after.saturating_add(1), after.saturating_add(limit as u64));
        let query = self.query(EVENTS).bind(run_id.to_string()).bind(signed(first)).bind(signed(last));
        let rows = self.read("read the events of a run", query).await?;
        let is_selected = |sequence, _: &str| (first..=last).contains(&sequence);
        let events = rows
            .iter()
            .map(|row| commit::events(&mut Columns::new(row, "workflow_commits", 0), is_selected))
            .collect::<Result<Vec<_>, Failure>>()?;
        Ok(events.into_iter().flatten().collect())
    }

    async fn logs(&self, run_id: RunId, after: u64, limit: usize) -> Result<Vec<LogRecord>, Error> {
        let query = self.query(LOGS).bind(run_id.to_string()).bind(signed(after)).bind(count(limit));
        let rows = self.read("read the log of a run", query).await?;
        Ok(records(&rows)?)
    }

    async fn pending_runs(&self, definitions: &[String], limit: usize) -> Result<Vec<RunRecord>, Error> {
        let order = FairOrder::new(definitions, &[]);
        let mut pending = Vec::new();
        for query in definition_queries::queries(self, PENDING_RUNS, order.definitions()) {
            let rows = self.read("read pending runs", query.bind(count(limit))).await?;
            pending.extend(json_records(&rows)?);
        }
        let entries = pending.into_iter().filter_map(|run| QueueEntry::run(&order, run, |run| run)).collect();
        Ok(order.sort(entries, limit).into_iter().take(limit).map(|entry| entry.item).collect())
    }

    async fn unfinished_runs(&self, workflow_id: &str) -> Result<Vec<RunRecord>, Error> {
        let query = self.query(UNFINISHED_RUNS).bind(workflow_id.to_owned());
        let rows = self.read("read unfinished runs", query).await?;
        Ok(json_records(&rows)?)
    }

    async fn stuck_runs(
        &self,
        definitions: &[String],
        idle_for: Duration,
        limit: usize,
    ) -> Result<Vec<RunId>, Error> {
        self.read_stuck_runs(definitions, idle_for, limit).await
    }

    async fn unclaimed_runs(
        &self,
        definitions: &[String],
        waiting_for: Duration,
        limit: usize,
    ) -> Result<Vec<RunId>, Error> {
        self.read_unclaimed_runs(definitions, waiting_for, limit).await
    }

    fn hints(&self) -> &Arc<Hints> {
        &self.hints
    }

    async fn close(&self) {
        // Without a sender the committer ends as soon as it has served the queued requests.
        self.committer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut is_done = self.is_committer_done.clone();
        // An error means that the writer has ended too.
        let _ = is_done.wait_for(|done| *done).await;
        self.inspectors.close().await;
        self.readers.close().await;
    }
}

impl SqliteStore {
    async fn read_annotations(
        &self,
        query: Query<'_, Sqlite, SqliteArguments>,
        filter: &AnnotationFilter,
    ) -> Result<Vec<AnnotationRecord>, Error> {
        let AnnotationFilter { key, prefix, stage_key, actor, scope, .. } = filter.clone();
        let (stage_id, place) = selected(stage_key.as_ref());
        let query =
            query.bind(signed(filter.after)).bind(key).bind(prefix).bind(stage_id).bind(actor).bind(scope);
        let micros =
            |instant: Option<DateTime<Utc>>| instant.map(|at| instant::rounded_up(at).timestamp_micros());
        let query =
            query.bind(micros(filter.since)).bind(micros(filter.until)).bind(count(filter.limit)).bind(place);
        let rows = self.read("read annotations", query).await?;
        Ok(records(&rows)?)
    }
}

/// Returns a sequence number or an id as SQLite stores it.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
