//! Implements the persistence port: commits, and reads of runs.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::Row;

use super::PostgresStore;
use super::arrays::distinct_texts;
use super::arrays::{PgQuery, number};
use super::columns::{self, Columns};
use super::failure::Failure;
use super::key_columns::{KeyColumns, named, selected};
use super::load::{self, put_whole};
use super::side_rows;
use super::text::{original, stored};
use crate::error::Error;
use crate::ports::{AnnotationFilter, Commit, Decide, Decision, Hints, Persistence, Snapshot};
use crate::records::{
    AnnotationRecord, ArtifactRecord, BlobKey, Event, LogRecord, RunRecord, RunRequest, StageRecord,
    StoredValue,
};
use crate::stores::commit::{LockedCommit, Work};
use crate::stores::footprint::has_user_statements;
use crate::stores::instant;
use crate::stores::rows::{commit, commit_columns, log_columns, run_columns, stage_columns};
use crate::stores::working_set::WorkingSet;
use crate::value::{Json, RunId, StageKey};

const RUN: &str =
    concat!("SELECT ", run_columns!(array_row), " FROM {schema}.workflow_runs AS r WHERE r.id = $1");

const STAGE: &str = concat!(
    "SELECT ",
    stage_columns!(array_row),
    " FROM {schema}.workflow_stage_rows AS s
    WHERE s.workflow_run_id = $1 AND s.stage_id = $2 AND s.place = $3"
);

const COMPLETED_STAGES: &str = concat!(
    "SELECT ",
    stage_columns!(array_row),
    " FROM unnest($1, $2, $3) AS n (run_id, stage_id, place) JOIN {schema}.workflow_stage_rows AS s
        ON s.workflow_run_id = n.run_id AND s.stage_id = n.stage_id AND s.place = n.place
    WHERE s.status = 'COMPLETED'"
);

const BLOB: &str = "SELECT value FROM {schema}.workflow_blobs WHERE key = $1";

/// Reads the commits with the events from number $2 to number $3.
const EVENTS: &str = concat!(
    "SELECT ",
    commit_columns!(array_row),
    " FROM {schema}.workflow_commits AS c
    WHERE c.workflow_run_id = $1 AND c.sequence <= $3 AND c.sequence >= (
        SELECT max(o.sequence) FROM {schema}.workflow_commits AS o WHERE o.workflow_run_id = $1 AND o.sequence <= $2)
    ORDER BY c.sequence"
);

const LOGS: &str = concat!(
    "SELECT ",
    log_columns!(array_row),
    " FROM {schema}.workflow_logs AS l WHERE l.workflow_run_id = $1 AND l.id > $2 ORDER BY l.id LIMIT $3"
);

/// Reads each definition's range of the index only up to the limit: the index begins with the definition, so runs of
/// other definitions cost nothing.
const PENDING_RUNS: &str = concat!(
    "SELECT t.id, t.texts, t.numbers, t.instants FROM (
        SELECT p.*, row_number() OVER (
            PARTITION BY d.definition, p.priority ORDER BY p.created_at, p.id) AS turn
        FROM unnest($1) AS d (definition) CROSS JOIN LATERAL (
            SELECT ",
    run_columns!(array_row),
    ", r.priority, r.created_at
            FROM {schema}.workflow_runs AS r
            WHERE r.status = 'PENDING' AND r.due_at IS NULL AND r.definition_fingerprint = d.definition
            ORDER BY r.priority DESC, r.created_at, r.id LIMIT $2
        ) AS p (id, texts, numbers, instants, priority, created_at)
    ) AS t ORDER BY t.priority DESC, t.turn, t.created_at, t.id LIMIT $2"
);

const UNFINISHED_RUNS: &str = concat!(
    "SELECT ",
    run_columns!(array_row),
    " FROM {schema}.workflow_runs AS r WHERE r.workflow_id = $1 AND r.completed_at IS NULL
    ORDER BY r.created_at, r.id"
);

#[async_trait]
impl Persistence for PostgresStore {
    async fn commit(&self, decision: Decision) -> Result<Commit, Error> {
        self.commit_shared(Arc::new(decision)).await
    }

    async fn commit_shared(&self, decision: Arc<Decision>) -> Result<Commit, Error> {
        if has_user_statements(&decision) {
            // Boxed, as it is rare: the futures of all other commits are smaller then.
            return Box::pin(self.commit_with_statements(decision)).await;
        }
        self.submit("commit", Work::Commit, decision).await
    }

    async fn commit_locked(&self, run_id: RunId, decide: Decide) -> Result<Commit, Error> {
        let locked = LockedCommit::new(run_id, decide);
        self.submit("commit", Work::CommitLocked, locked).await
    }

    async fn snapshot(&self, run_id: RunId) -> Result<Option<Snapshot>, Error> {
        let id = *run_id.as_uuid();
        let rows = self.read("read a run", move |database| database.query(load::LOAD_WHOLE).bind(id));
        let mut set = WorkingSet::default();
        put_whole(&rows.await?, &mut set)?;
        Ok(set.snapshot(run_id))
    }

    async fn run(&self, run_id: RunId) -> Result<Option<RunRecord>, Error> {
        let id = *run_id.as_uuid();
        let rows = self.read("read a run", move |database| database.query(RUN).bind(id));
        Ok(rows.await?.first().map(columns::record).transpose()?)
    }

    async fn request(&self, run_id: RunId) -> Result<Option<RunRequest>, Error> {
        self.read_request(*run_id.as_uuid()).await
    }

    async fn stages(&self, run_id: RunId) -> Result<Vec<StageRecord>, Error> {
        let snapshot = self.snapshot(run_id).await?;
        Ok(snapshot.map(|snapshot| snapshot.stages).unwrap_or_default())
    }

    async fn stage(&self, run_id: RunId, stage_key: &StageKey) -> Result<Option<StageRecord>, Error> {
        let (id, (stage, place)) = (*run_id.as_uuid(), named(stage_key));
        let rows = self.read("read a stage of a run", move |database| {
            database.query(STAGE).bind(id).bind(stage.clone()).bind(place.clone())
        });
        match rows.await?.first() {
            Some(row) => Ok(Some(columns::record(row)?)),
            // It may have no row.
            None => Ok(self.stages(run_id).await?.into_iter().find(|stage| stage.is(stage_key))),
        }
    }

    async fn outputs(
        &self,
        run_id: RunId,
        stage_keys: &[StageKey],
    ) -> Result<HashMap<StageKey, StoredValue>, Error> {
        let keys = KeyColumns::of(stage_keys.iter().map(|key| (run_id, key)));
        let rows = self.read("read the outputs of a run", move |database| {
            keys.clone().bind(database.query(COMPLETED_STAGES))
        });
        let stages: Vec<StageRecord> = columns::records(&rows.await?)?;
        Ok(stages.into_iter().filter_map(|stage| Some((stage.key(), stage.output?))).collect())
    }

    async fn blob(&self, key: &BlobKey) -> Result<Option<Json>, Error> {
        const ACTION: &str = "read a blob";

        let key = stored(&key.0).into_owned();
        let rows = self.read(ACTION, move |database| database.query(BLOB).bind(key.clone()));
        let text = rows.await?.first().map(|row| row.try_get::<String, _>(0)).transpose();
        let text = text.map_err(|error| Failure::database(ACTION, error))?;
        Ok(text.map(original).map(Json::trusted))
    }

    async fn annotations(
        &self,
        run_id: RunId,
        filter: &AnnotationFilter,
    ) -> Result<Vec<AnnotationRecord>, Error> {
        let (id, filter) = (*run_id.as_uuid(), filter.clone());
        let rows = self.read("read the annotations of a run", move |database| {
            filtered(database.query(side_rows::ANNOTATIONS).bind(id), &filter)
        });
        Ok(columns::records(&rows.await?)?)
    }

    async fn annotations_of_key(
        &self,
        key: &str,
        filter: &AnnotationFilter,
    ) -> Result<Vec<AnnotationRecord>, Error> {
        let (key, filter) = (stored(key).into_owned(), filter.clone());
        let rows = self.read("read the annotations of a key", move |database| {
            filtered(database.query(side_rows::ANNOTATIONS_OF_KEY).bind(key.clone()), &filter)
        });
        Ok(columns::records(&rows.await?)?)
    }

    async fn artifacts(
        &self,
        run_id: RunId,
        stage_key: Option<&StageKey>,
    ) -> Result<Vec<ArtifactRecord>, Error> {
        let (id, (stage, place)) = (*run_id.as_uuid(), selected(stage_key));
        let rows = self.read("read the artifacts of a run", move |database| {
            database.query(side_rows::ARTIFACTS).bind(id).bind(stage.clone()).bind(place.clone())
        });
        Ok(columns::records(&rows.await?)?)
    }

    async fn artifact(
        &self,
        run_id: RunId,
        stage_key: &StageKey,
        key: &str,
    ) -> Result<Option<ArtifactRecord>, Error> {
        let (id, (stage, place), key) = (*run_id.as_uuid(), named(stage_key), stored(key).into_owned());
        let rows = self.read("read an artifact", move |database| {
            let query = database.query(side_rows::ARTIFACT).bind(id).bind(stage.clone());
            query.bind(place.clone()).bind(key.clone())
        });
        Ok(rows.await?.first().map(columns::record).transpose()?)
    }

    async fn events(&self, run_id: RunId, after: u64, limit: usize) -> Result<Vec<Event>, Error> {
        // Numbers have no gaps, so the limit is a number too.
        let (first, last) = (after.saturating_add(1), after.saturating_add(limit as u64));
        let id = *run_id.as_uuid();
        let rows = self.read("read the events of a run", move |database| {
            database.query(EVENTS).bind(id).bind(number(first)).bind(number(last))
        });
        let is_selected = |sequence, _: &str| (first..=last).contains(&sequence);
        let events = |row| commit::events(&mut Columns::new(row, "workflow_commits")?, is_selected);
        let events: Vec<Vec<Event>> = rows.await?.iter().map(events).collect::<Result<_, Failure>>()?;
        Ok(events.into_iter().flatten().collect())
    }

    async fn logs(&self, run_id: RunId, after: u64, limit: usize) -> Result<Vec<LogRecord>, Error> {
        let (id, after, limit) = (*run_id.as_uuid(), number(after), number(limit));
        let rows = self.read("read the log of a run", move |database| {
            database.query(LOGS).bind(id).bind(after).bind(limit)
        });
        Ok(columns::records(&rows.await?)?)
    }

    async fn pending_runs(&self, definitions: &[String], limit: usize) -> Result<Vec<RunRecord>, Error> {
        let (definitions, limit) = (distinct_texts(definitions), number(limit));
        let rows = self.read("read pending runs", move |database| {
            database.query(PENDING_RUNS).bind(definitions.clone()).bind(limit)
        });
        Ok(columns::records(&rows.await?)?)
    }

    async fn unfinished_runs(&self, workflow_id: &str) -> Result<Vec<RunRecord>, Error> {
        let workflow = stored(workflow_id).into_owned();
        let rows = self.read("read unfinished runs", move |database| {
            database.query(UNFINISHED_RUNS).bind(workflow.clone())
        });
        Ok(columns::records(&rows.await?)?)
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
        &self.database.hints
    }

    async fn close(&self) {
        self.shut_down().await;
    }
}

fn filtered(query: PgQuery<'static>, filter: &AnnotationFilter) -> PgQuery<'static> {
    let text = |text: &Option<String>| text.as_deref().map(|text| stored(text).into_owned());
    let query = query.bind(number(filter.after)).bind(text(&filter.key)).bind(text(&filter.prefix));
    let (stage, place) = selected(filter.stage_key.as_ref());
    let query = query.bind(stage).bind(text(&filter.actor)).bind(text(&filter.scope));
    let query = query.bind(filter.since.map(instant::rounded_up)).bind(filter.until.map(instant::rounded_up));
    query.bind(number(filter.limit)).bind(place)
}
