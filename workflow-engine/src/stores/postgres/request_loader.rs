//! Reads the requests that runs were started with, many in one statement: a worker that has claimed jobs of runs that
//! it did not start reads the requests of all of them at the same time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use uuid::Uuid;

use super::columns::{self, Columns, request_row};
use super::database::Database;
use super::failure::Failure;
use super::{Closed, PostgresStore};
use crate::error::Error;
use crate::records::RunRequest;
use crate::stores::rows::ReadColumns;

const REQUESTS: &str = concat!(
    "SELECT ",
    request_row!(),
    " FROM {schema}.workflow_commits AS q WHERE q.workflow_run_id = ANY($1) AND q.sequence = 1"
);

const ACTION: &str = "read the request of a run";

/// The most requests in one statement: few enough that large ones fit into memory together.
const MAX_BATCH: usize = 32;

/// The channel for a result. The caller may have stopped waiting by then.
type Reply = oneshot::Sender<Result<Option<RunRequest>, Failure>>;

/// Collects the requests that are to be read.
#[derive(Default)]
pub(super) struct RequestLoader {
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    runs: Vec<(Uuid, Reply)>,
    /// Whether a task is reading; it continues until no read waits.
    has_reader: bool,
}

impl PostgresStore {
    pub(super) async fn read_request(&self, run: Uuid) -> Result<Option<RunRequest>, Error> {
        if self.stop.is_cancelled() {
            return Err(Error::store_unavailable(ACTION, Closed));
        }
        let (reply, result) = oneshot::channel();
        if self.request_loader.push(run, reply) {
            let (loader, database) = (Arc::clone(&self.request_loader), Arc::clone(&self.database));
            self.runtime.spawn(async move { loader.read(&database).await });
        }
        match result.await {
            Ok(request) => Ok(request?),
            Err(error) => Err(Error::store_unavailable(ACTION, error)),
        }
    }
}

impl RequestLoader {
    /// Adds a read; returns whether the caller has to start a reader.
    fn push(&self, run: Uuid, reply: Reply) -> bool {
        let mut waiting = self.waiting();
        waiting.runs.push((run, reply));
        !std::mem::replace(&mut waiting.has_reader, true)
    }

    /// Reads until no read waits. Reads that arrive while a statement runs share the next one.
    async fn read(&self, database: &Arc<Database>) {
        while let Some(batch) = self.take() {
            let runs: Vec<Uuid> = batch.iter().map(|(run, _)| *run).collect();
            let query = move |database: &Database| database.query(REQUESTS).bind(runs.clone());
            match database.fetch(ACTION, query).await {
                Ok(rows) => {
                    for (run, reply) in batch {
                        let row = rows.iter().find(|row| {
                            Columns::new(row, "workflow_commits")
                                .and_then(|mut columns| columns.run_id())
                                .is_ok_and(|found| *found.as_uuid() == run)
                        });
                        let _ = reply.send(row.map(columns::record).transpose());
                    }
                }
                Err(failure) => {
                    for (_, reply) in batch {
                        let _ = reply.send(Err(failure.clone()));
                    }
                }
            }
        }
    }

    /// Takes the next batch; `None` if no read waits, which ends the reader.
    fn take(&self) -> Option<Vec<(Uuid, Reply)>> {
        let mut waiting = self.waiting();
        if waiting.runs.is_empty() {
            waiting.has_reader = false;
            return None;
        }
        let length = waiting.runs.len().min(MAX_BATCH);
        Some(waiting.runs.drain(..length).collect())
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics under this lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
