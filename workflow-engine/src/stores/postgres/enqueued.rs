//! Runs that programs enqueue in transactions of their own, on connections of their own.

use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

use super::PostgresStore;
use super::columns::Columns;
use super::failure::Failure;
use super::statements::texts_of;
use super::text::stored;
use super::transaction::Transaction;
use crate::error::Error;
use crate::ports::EnqueuedRun;
use crate::stores::rows::ReadColumns;
use crate::value::RunId;

const ACTION: &str = "enqueue a run";
const DOING: &str = "read enqueued runs";

const ENQUEUE: &str = "
    SELECT q.run_id, q.request_hash FROM {schema}.workflow_enqueue_command($1, $2, $3, $4, $5) AS q";

macro_rules! enqueued_row {
    () => {
        "SELECT e.run_id, ARRAY[e.workflow_id, e.command], ARRAY[]::bigint[], ARRAY[]::timestamptz[]
        FROM {schema}.workflow_enqueued_runs AS e"
    };
}

/// By workflow, because each of them has its own range of the index.
const OF_WORKFLOWS: &str = concat!(
    "SELECT found.* FROM unnest($1) AS w (id) CROSS JOIN LATERAL (",
    enqueued_row!(),
    " WHERE e.workflow_id = w.id ORDER BY e.run_id LIMIT $2) AS found LIMIT $2"
);

const OF_RUN: &str = concat!(enqueued_row!(), " WHERE e.run_id = $1");

const DELETE: &str = "DELETE FROM {schema}.workflow_enqueued_runs AS e WHERE e.run_id = ANY($1)";

/// Stores a run in the caller's transaction. Returns its id and the hash of its request, which are those of the first
/// request with this key.
pub(in crate::stores) async fn enqueue(
    connection: &mut PgConnection,
    schema: &str,
    run: &EnqueuedRun,
) -> Result<(RunId, Option<String>), Error> {
    // The program may be behind a pooler.
    let query = sqlx::query(texts_of(schema).fill(ENQUEUE)).persistent(false).bind(run.run_id.as_uuid());
    let query = query.bind(stored(&run.workflow_id)).bind(run.idempotency_key.as_deref());
    let query = query.bind(run.request_hash.as_deref()).bind(&run.command);
    let row = query.fetch_one(connection).await.map_err(failed)?;
    let run_id: Uuid = row.try_get(0).map_err(failed)?;
    Ok((RunId::from_uuid(run_id), row.try_get(1).map_err(failed)?))
}

impl PostgresStore {
    /// Returns enqueued runs of these workflows, the oldest of each first.
    pub(super) async fn read_enqueued(
        &self,
        workflow_ids: &[String],
        limit: usize,
    ) -> Result<Vec<EnqueuedRun>, Error> {
        let workflow_ids: Vec<String> = workflow_ids.iter().map(|id| stored(id).into_owned()).collect();
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self
            .read(DOING, move |database| database.query(OF_WORKFLOWS).bind(workflow_ids.clone()).bind(limit));
        Ok(rows.await?.iter().map(enqueued).collect::<Result<_, Failure>>()?)
    }

    /// Returns the enqueued run with this id.
    pub(super) async fn read_enqueued_run(&self, run_id: RunId) -> Result<Option<EnqueuedRun>, Error> {
        let id = *run_id.as_uuid();
        let rows = self.read(DOING, move |database| database.query(OF_RUN).bind(id)).await?;
        Ok(rows.first().map(enqueued).transpose()?)
    }
}

/// Deletes the rows of enqueued runs that a transaction creates.
pub(super) async fn delete(transaction: &mut Transaction, created: &[RunId]) -> Result<(), Failure> {
    if created.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = created.iter().map(|run_id| *run_id.as_uuid()).collect();
    transaction.execute("write a commit", transaction.query(DELETE).bind(ids)).await
}

fn enqueued(row: &PgRow) -> Result<EnqueuedRun, Failure> {
    let mut columns = Columns::new(row, "workflow_enqueued_runs")?;
    let run_id = columns.run_id()?;
    let (workflow_id, command) = (columns.text("workflow_id")?, columns.text("command")?);
    Ok(EnqueuedRun { run_id, workflow_id, idempotency_key: None, request_hash: None, command })
}

fn failed(error: sqlx::Error) -> Error {
    Failure::database(ACTION, error).into()
}
