//! Runs that programs enqueue in transactions of their own, on connections of their own.

use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Row, Sqlite, SqliteConnection};

use super::SqliteStore;
use super::failure::Failure;
use super::options::texts_with;
use super::session::Session;
use crate::error::Error;
use crate::ports::EnqueuedRun;
use crate::stores::rows::WriteColumns;
use crate::stores::sql_texts::SqlTexts;
use crate::value::RunId;

const ACTION: &str = "enqueue a run";
const DOING: &str = "read enqueued runs";

/// The first statement, so that a transaction that has only begun takes the write lock with it.
const INSERT: &str = "
    INSERT INTO {prefix}enqueued_runs (run_id, workflow_id, idempotency_key, request_hash, command)
    VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING";

/// The run of a key: created already, or enqueued. Of a key that is not new, the row that was just inserted is the second.
const OF_KEY: &str = "
    SELECT workflow_run_id, request_hash FROM {prefix}idempotency_keys WHERE command = 'run.create' AND key = ?1
    UNION ALL
    SELECT run_id, request_hash FROM {prefix}enqueued_runs WHERE idempotency_key = ?1";

const DELETE: &str = "DELETE FROM {prefix}enqueued_runs WHERE run_id = ?1";

const OF_WORKFLOW: &str = "
    SELECT run_id, workflow_id, command FROM {prefix}enqueued_runs WHERE workflow_id = ?1 ORDER BY run_id LIMIT ?2";

const OF_RUN: &str = "SELECT run_id, workflow_id, command FROM {prefix}enqueued_runs WHERE run_id = ?1";

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[INSERT, OF_KEY, DELETE, OF_WORKFLOW, OF_RUN];

/// Stores a run in the caller's transaction. Returns its id and the hash of its request, which are those of the first
/// request with this key.
pub(in crate::stores) async fn enqueue(
    connection: &mut SqliteConnection,
    prefix: &str,
    run: &EnqueuedRun,
) -> Result<(RunId, Option<String>), Error> {
    let texts = texts_with(prefix);
    let insert = sqlx::query(texts.fill(INSERT)).bind(run.run_id.to_string()).bind(&run.workflow_id);
    let insert = insert.bind(&run.idempotency_key).bind(&run.request_hash).bind(&run.command);
    insert.execute(&mut *connection).await.map_err(failed)?;
    if let Some(key) = &run.idempotency_key
        && let Some((first, hash)) = of_key(connection, &texts, key).await?
        && first != run.run_id
    {
        let take_back = sqlx::query(texts.fill(DELETE)).bind(run.run_id.to_string());
        take_back.execute(connection).await.map_err(failed)?;
        return Ok((first, hash));
    }
    Ok((run.run_id, run.request_hash.clone()))
}

async fn of_key(
    connection: &mut SqliteConnection,
    texts: &SqlTexts,
    key: &str,
) -> Result<Option<(RunId, Option<String>)>, Error> {
    let query: sqlx::query::Query<'_, Sqlite, SqliteArguments> = sqlx::query(texts.fill(OF_KEY)).bind(key);
    let rows = query.fetch_all(connection).await.map_err(failed)?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some((run_id(row)?, row.try_get(1).map_err(failed)?)))
}

impl SqliteStore {
    /// Returns enqueued runs of these workflows, the oldest of each first.
    pub(super) async fn read_enqueued(
        &self,
        workflow_ids: &[String],
        limit: usize,
    ) -> Result<Vec<EnqueuedRun>, Error> {
        let mut runs = Vec::new();
        for workflow_id in workflow_ids {
            let limit = i64::try_from(limit.saturating_sub(runs.len())).unwrap_or(i64::MAX);
            let query = self.query(OF_WORKFLOW).bind(workflow_id.clone()).bind(limit);
            let rows = self.read(DOING, query).await?;
            for row in &rows {
                runs.push(enqueued(row)?);
            }
        }
        Ok(runs)
    }

    /// Returns the enqueued run with this id.
    pub(super) async fn read_enqueued_run(&self, run_id: RunId) -> Result<Option<EnqueuedRun>, Error> {
        let rows = self.read(DOING, self.query(OF_RUN).bind(run_id.to_string())).await?;
        rows.first().map(enqueued).transpose()
    }
}

/// Deletes the rows of enqueued runs that a transaction creates.
pub(super) fn delete(session: &Session, created: &[RunId]) -> Result<(), Failure> {
    let mut delete = session.prepare("write a commit", DELETE);
    created.iter().try_for_each(|run_id| {
        delete.run(|row| {
            row.run_id(*run_id);
        })
    })
}

fn enqueued(row: &SqliteRow) -> Result<EnqueuedRun, Error> {
    Ok(EnqueuedRun {
        run_id: run_id(row)?,
        workflow_id: row.try_get(1).map_err(failed)?,
        idempotency_key: None,
        request_hash: None,
        command: row.try_get(2).map_err(failed)?,
    })
}

fn run_id(row: &SqliteRow) -> Result<RunId, Error> {
    let text: String = row.try_get(0).map_err(failed)?;
    Ok(text.parse().map_err(|error| Failure::unreadable("enqueued_runs", "run_id", text, error))?)
}

fn failed(error: sqlx::Error) -> Error {
    Failure::database(ACTION, error).into()
}
