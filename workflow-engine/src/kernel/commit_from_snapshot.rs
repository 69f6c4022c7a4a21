//! The path of every structural command: load, decide, commit; on a miss, again under the run's lock.

use std::sync::Arc;

use super::Kernel;
use crate::error::Error;
use crate::ports::{Applied, Commit, Decision, Revision, Snapshot};
use crate::value::RunId;

impl Snapshot {
    /// What guards a decision that was made from this snapshot.
    pub(super) const fn revision(&self) -> Revision {
        Revision { version: self.run.version, last_sequence: self.run.last_sequence }
    }
}

impl Kernel {
    /// Decides from all of a run, and commits. `None` where `decide` found nothing to do.
    ///
    /// The first decision is made without a lock; should the run have moved by the time it is committed, nothing is
    /// written, and the second one is made in the transaction that writes it. So there is no third.
    pub(super) async fn commit_from_snapshot(
        &self,
        run_id: RunId,
        decide: impl Fn(&Snapshot) -> Option<Decision> + Send + Sync + 'static,
    ) -> Result<Option<Applied>, Error> {
        Ok(match self.restructure_once(run_id, decide).await? {
            Commit::Applied(applied) => Some(applied),
            Commit::PreconditionFailed | Commit::Duplicate { .. } => None,
        })
    }

    /// The same for a command with an idempotency key: answers what became of its decision. `Missed` where `decide`
    /// found nothing to do.
    pub(super) async fn restructure_once(
        &self,
        run_id: RunId,
        decide: impl Fn(&Snapshot) -> Option<Decision> + Send + Sync + 'static,
    ) -> Result<Commit, Error> {
        let decide = Arc::new(decide);
        let snapshot = self.store().snapshot(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
        let Some(decision) = decide(&snapshot) else { return Ok(Commit::PreconditionFailed) };
        let mut commit = self.store().commit(decision).await?;
        if commit == Commit::PreconditionFailed {
            let decide_again = Box::new(move |snapshot: Option<&Snapshot>| snapshot.and_then(|s| decide(s)));
            commit = self.store().commit_locked(run_id, decide_again).await?;
        }
        if let Commit::Applied(Applied { ended: Some(_), .. }) = &commit {
            self.run_has_ended(run_id, snapshot.run.generation);
        }
        Ok(commit)
    }

    /// Nothing of this generation can commit any more: tells its bodies so, and forgets it.
    pub(super) fn run_has_ended(&self, run_id: RunId, generation: u32) {
        self.running().stop_run(run_id);
        self.memories().forget(run_id, generation);
    }
}
