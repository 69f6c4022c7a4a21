//! What runs were started with, read together: a worker that has claimed runs of others asks for that of each of them at
//! the same time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use uuid::Uuid;

use super::columns::{self, Columns, request_row};
use super::database::Database;
use super::failure::Failure;
use super::{Closed, PostgresStore};
use crate::error::Error;
use crate::records::RunRequest;

pub(super) const REQUESTS: &str = concat!(
    "SELECT ",
    request_row!(),
    " FROM {schema}.workflow_run_requests AS q WHERE q.workflow_run_id = ANY($1)"
);

const DOING: &str = "read the request of a run";

/// So many are read in one statement; few enough that large ones fit into memory beside one another.
const TOGETHER: usize = 32;

/// Where the answer goes; nobody has to be there any more when it comes.
type Reply = oneshot::Sender<Result<Option<RunRequest>, Failure>>;

/// What waits to be read.
#[derive(Default)]
pub(super) struct Requests {
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    runs: Vec<(Uuid, Reply)>,
    /// Somebody reads, and goes on until nothing waits.
    is_being_read: bool,
}

impl PostgresStore {
    pub(super) async fn read_request(&self, run: Uuid) -> Result<Option<RunRequest>, Error> {
        if self.stop.is_cancelled() {
            return Err(Error::store_unavailable(DOING, Closed));
        }
        let (reply, answer) = oneshot::channel();
        if self.requests.push(run, reply) {
            let (requests, database) = (Arc::clone(&self.requests), Arc::clone(&self.database));
            self.runtime.spawn(async move { requests.read(&database).await });
        }
        match answer.await {
            Ok(request) => Ok(request?),
            Err(gone) => Err(Error::store_unavailable(DOING, gone)),
        }
    }
}

impl Requests {
    /// Adds one; answers whether somebody has to begin to read.
    fn push(&self, run: Uuid, reply: Reply) -> bool {
        let mut waiting = self.waiting();
        waiting.runs.push((run, reply));
        !std::mem::replace(&mut waiting.is_being_read, true)
    }

    /// Reads until nothing waits: what comes while a statement is on its way goes with the next one.
    async fn read(&self, database: &Database) {
        while let Some(taken) = self.take() {
            let runs: Vec<Uuid> = taken.iter().map(|(run, _)| *run).collect();
            let query = move |database: &Database| database.query(|sql| &sql.requests).bind(runs.clone());
            match database.fetch(DOING, query).await {
                Ok(rows) => {
                    for (run, reply) in taken {
                        let row = rows.iter().find(|row| {
                            Columns::new(row, "workflow_run_requests")
                                .and_then(|columns| columns.run_id())
                                .is_ok_and(|found| *found.as_uuid() == run)
                        });
                        let _ = reply.send(row.map(columns::request).transpose());
                    }
                }
                Err(failure) => {
                    for (_, reply) in taken {
                        let _ = reply.send(Err(failure.clone()));
                    }
                }
            }
        }
    }

    /// The next ones; `None` where nothing waits, and then nobody reads any more.
    fn take(&self) -> Option<Vec<(Uuid, Reply)>> {
        let mut waiting = self.waiting();
        if waiting.runs.is_empty() {
            waiting.is_being_read = false;
            return None;
        }
        let few = waiting.runs.len().min(TOGETHER);
        Some(waiting.runs.drain(..few).collect())
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        // Nothing panics under this lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
