//! The store on PostgreSQL as the store of runs.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::Row;

use super::PostgresStore;
use super::arrays::{number, texts};
use super::columns::{self, event_row, log_row, request_row, run_row, stage_row};
use super::failure::Failure;
use super::load::put_whole;
use super::text::{original, stored};
use super::work::{Deciding, Locked, Work};
use crate::error::Error;
use crate::id::RunId;
use crate::language::Json;
use crate::ports::{Commit, Decide, Decision, Hints, Persistence, Snapshot};
use crate::records::{BlobKey, Event, LogRecord, RunRecord, RunRequest, StageRecord, StoredValue};
use crate::stores::working_set::WorkingSet;

pub(super) const RUN: &str =
    concat!("SELECT ", run_row!(), " FROM {schema}.workflow_runs AS r WHERE r.id = $1");

pub(super) const REQUEST: &str = concat!(
    "SELECT ",
    request_row!(),
    " FROM {schema}.workflow_run_requests AS q WHERE q.workflow_run_id = $1"
);

pub(super) const STAGES: &str = concat!(
    "SELECT ",
    stage_row!(),
    " FROM {schema}.workflow_stages AS s WHERE s.workflow_run_id = $1 ORDER BY s.stage_number"
);

pub(super) const STAGE: &str = concat!(
    "SELECT ",
    stage_row!(),
    " FROM {schema}.workflow_stages AS s WHERE s.workflow_run_id = $1 AND s.stage_id = $2"
);

pub(super) const COMPLETED_STAGES: &str = concat!(
    "SELECT ",
    stage_row!(),
    " FROM {schema}.workflow_stages AS s
    WHERE s.workflow_run_id = $1 AND s.stage_id = ANY($2) AND s.status = 'COMPLETED'"
);

pub(super) const BLOB: &str = "SELECT value FROM {schema}.blobs WHERE key = $1";

pub(super) const EVENTS: &str = concat!(
    "SELECT ",
    event_row!(),
    " FROM {schema}.outbox_events AS e WHERE e.workflow_run_id = $1 AND e.sequence > $2
    ORDER BY e.sequence LIMIT $3"
);

pub(super) const LOGS: &str = concat!(
    "SELECT ",
    log_row!(),
    " FROM {schema}.workflow_logs AS l WHERE l.workflow_run_id = $1 AND l.id > $2 ORDER BY l.id LIMIT $3"
);

pub(super) const PENDING_RUNS: &str = concat!(
    "SELECT ",
    run_row!(),
    " FROM {schema}.workflow_runs AS r
    WHERE r.status = 'PENDING' AND r.definition_fingerprint = ANY($1)
    ORDER BY r.priority DESC, r.created_at, r.id LIMIT $2"
);

pub(super) const UNFINISHED_RUNS: &str = concat!(
    "SELECT ",
    run_row!(),
    " FROM {schema}.workflow_runs AS r WHERE r.workflow_id = $1 AND r.completed_at IS NULL
    ORDER BY r.created_at, r.id"
);

#[async_trait]
impl Persistence for PostgresStore {
    async fn commit(&self, decision: Decision) -> Result<Commit, Error> {
        self.ask("commit", Work::Commit, decision).await
    }

    async fn commit_locked(&self, run_id: RunId, decide: Decide) -> Result<Commit, Error> {
        let locked = Locked { run_id, decide: Deciding::Open(decide) };
        self.ask("commit", Work::CommitLocked, locked).await
    }

    async fn snapshot(&self, run_id: RunId) -> Result<Option<Snapshot>, Error> {
        let id = *run_id.as_uuid();
        let rows = self.read("read a run", move |database| database.query(|sql| &sql.load_whole).bind(id));
        let mut set = WorkingSet::default();
        put_whole(&rows.await?, &mut set)?;
        Ok(set.snapshot(run_id))
    }

    async fn run(&self, run_id: RunId) -> Result<Option<RunRecord>, Error> {
        let id = *run_id.as_uuid();
        let rows = self.read("read a run", move |database| database.query(|sql| &sql.run).bind(id));
        Ok(rows.await?.first().map(columns::run).transpose()?)
    }

    async fn request(&self, run_id: RunId) -> Result<Option<RunRequest>, Error> {
        let id = *run_id.as_uuid();
        let rows = self
            .read("read the request of a run", move |database| database.query(|sql| &sql.request).bind(id));
        Ok(rows.await?.first().map(columns::request).transpose()?)
    }

    async fn stages(&self, run_id: RunId) -> Result<Vec<StageRecord>, Error> {
        let id = *run_id.as_uuid();
        let rows =
            self.read("read the stages of a run", move |database| database.query(|sql| &sql.stages).bind(id));
        all(rows.await?.iter().map(columns::stage))
    }

    async fn stage(&self, run_id: RunId, stage_id: &str) -> Result<Option<StageRecord>, Error> {
        let (id, stage) = (*run_id.as_uuid(), stored(stage_id).into_owned());
        let rows = self.read("read a stage of a run", move |database| {
            database.query(|sql| &sql.stage).bind(id).bind(stage.clone())
        });
        Ok(rows.await?.first().map(columns::stage).transpose()?)
    }

    async fn outputs(
        &self,
        run_id: RunId,
        stage_ids: &[String],
    ) -> Result<HashMap<String, StoredValue>, Error> {
        let (id, stages) = (*run_id.as_uuid(), texts(stage_ids));
        let rows = self.read("read the outputs of a run", move |database| {
            database.query(|sql| &sql.completed_stages).bind(id).bind(stages.clone())
        });
        let stages: Vec<StageRecord> = all(rows.await?.iter().map(columns::stage))?;
        Ok(stages.into_iter().filter_map(|stage| Some((stage.stage_id, stage.output?))).collect())
    }

    async fn blob(&self, key: &BlobKey) -> Result<Option<Json>, Error> {
        const DOING: &str = "read a blob";

        let key = stored(&key.0).into_owned();
        let rows = self.read(DOING, move |database| database.query(|sql| &sql.blob).bind(key.clone()));
        let text = rows.await?.first().map(|row| row.try_get::<String, _>(0)).transpose();
        let text = text.map_err(|error| Failure::database(DOING, error))?;
        Ok(text.map(original).map(Json::trusted))
    }

    async fn events(&self, run_id: RunId, after: u64, limit: usize) -> Result<Vec<Event>, Error> {
        let (id, after, limit) = (*run_id.as_uuid(), number(after), number(limit));
        let rows = self.read("read the events of a run", move |database| {
            database.query(|sql| &sql.events).bind(id).bind(after).bind(limit)
        });
        all(rows.await?.iter().map(columns::event))
    }

    async fn logs(&self, run_id: RunId, after: u64, limit: usize) -> Result<Vec<LogRecord>, Error> {
        let (id, after, limit) = (*run_id.as_uuid(), number(after), number(limit));
        let rows = self.read("read the log of a run", move |database| {
            database.query(|sql| &sql.logs).bind(id).bind(after).bind(limit)
        });
        all(rows.await?.iter().map(columns::log))
    }

    async fn pending_runs(&self, definitions: &[String], limit: usize) -> Result<Vec<RunRecord>, Error> {
        let (definitions, limit) = (texts(definitions), number(limit));
        let rows = self.read("read pending runs", move |database| {
            database.query(|sql| &sql.pending_runs).bind(definitions.clone()).bind(limit)
        });
        all(rows.await?.iter().map(columns::run))
    }

    async fn unfinished_runs(&self, workflow_id: &str) -> Result<Vec<RunRecord>, Error> {
        let workflow = stored(workflow_id).into_owned();
        let rows = self.read("read unfinished runs", move |database| {
            database.query(|sql| &sql.unfinished_runs).bind(workflow.clone())
        });
        all(rows.await?.iter().map(columns::run))
    }

    async fn stuck_runs(
        &self,
        definitions: &[String],
        still: Duration,
        limit: usize,
    ) -> Result<Vec<RunId>, Error> {
        self.read_stuck_runs(definitions, still, limit).await
    }

    async fn unclaimed_runs(
        &self,
        definitions: &[String],
        waiting: Duration,
        limit: usize,
    ) -> Result<Vec<RunId>, Error> {
        self.read_unclaimed_runs(definitions, waiting, limit).await
    }

    fn hints(&self) -> &Arc<Hints> {
        &self.database.hints
    }

    async fn close(&self) {
        self.shut_down().await;
    }
}

fn all<T>(rows: impl Iterator<Item = Result<T, Failure>>) -> Result<Vec<T>, Error> {
    Ok(rows.collect::<Result<_, _>>()?)
}
