//! Enqueuing a run in a transaction of the program.

use super::{RunHandle, StartRun};
use crate::error::Error;
use crate::kernel::{Command, CreateRun};
use crate::language::Workflow;
use crate::stores::ProgramTransaction;

impl<W: Workflow> StartRun<'_, W> {
    /// Enqueues the run in a transaction of the program, on the database of the engine: the run exists if, and only if,
    /// that transaction commits, together with the program's own rows. Input and configuration are checked first.
    ///
    /// A worker creates the run after the commit; so does the handle that is returned, when it is used. Before the commit
    /// it finds no run. With an idempotency key that was used before, the handle is that of the first run.
    ///
    /// SQLite has one writer: from this call to its end, the transaction keeps the engine from committing, so keep it
    /// short, and begin it with `BEGIN IMMEDIATE` if it reads before.
    ///
    /// See [`ProgramTransaction`] for an example.
    ///
    /// # Errors
    /// As the start of a run; `INVALID_REQUEST` if the transaction is on another kind of database than the engine's
    /// store, or the store is in memory; an error of the database, for example if it has no tables of the engine.
    pub async fn in_transaction<T>(self, transaction: &mut T) -> Result<RunHandle<W>, Error>
    where
        T: ProgramTransaction + ?Sized,
    {
        let (engine, key) = (self.engine, self.key.clone());
        let target = engine.store().enqueue_target().ok_or_else(|| {
            Error::invalid_request(
                "a run cannot be enqueued in a transaction, because the store has no database",
            )
        })?;
        let run = self.command()?.to_enqueue(engine.kernel())?;
        let (run_id, first_hash) = transaction.enqueue(&target, &run).await?;
        if let (Some(key), Some(first), Some(hash)) = (key, first_hash, run.request_hash)
            && first != hash
        {
            return Err(Error::idempotency_conflict(&key, CreateRun::NAME));
        }
        Ok(RunHandle::new(engine.clone(), run_id))
    }
}
