//! Decisions from the whole state of a run: load, decide, commit; if the run has moved, decide again under its lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Kernel;
use super::links::with_links;
use crate::error::Error;
use crate::ports::{Applied, Change, Commit, Decision, Precondition, Revision, Snapshot};
use crate::value::RunId;

/// Decides from a snapshot of a run, and commits. Returns `None` where `decide` found nothing to do.
pub(super) async fn commit_from_snapshot(
    kernel: &Kernel,
    run_id: RunId,
    decide: impl Fn(&Snapshot) -> Option<Decision> + Send + Sync + 'static,
) -> Result<Option<Applied>, Error> {
    Ok(match try_commit_from_snapshot(kernel, run_id, decide).await? {
        Commit::Applied(applied) => Some(applied),
        Commit::PreconditionFailed | Commit::Duplicate { .. } => None,
    })
}

/// As [`commit_from_snapshot`], for a command with an idempotency key: returns the result of the commit, and
/// `PreconditionFailed` where `decide` found nothing to do.
pub(super) async fn try_commit_from_snapshot(
    kernel: &Kernel,
    run_id: RunId,
    decide: impl Fn(&Snapshot) -> Option<Decision> + Send + Sync + 'static,
) -> Result<Commit, Error> {
    let decide =
        Arc::new(move |snapshot: &Snapshot| decide(snapshot).map(|decision| with_links(snapshot, decision)));
    let snapshot = kernel.store().snapshot(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
    // The first decision is made without a lock. Every commit of a run moves its revision, so if the run has moved
    // since the snapshot, the store writes nothing. The second decision is made inside the transaction that writes it,
    // under the run's lock, so a third is never needed.
    let Some(decision) = decide(&snapshot) else { return Ok(Commit::PreconditionFailed) };
    let shared = kernel.shared();
    // The generation that the decision is about.
    let generation = Arc::new(AtomicU32::new(snapshot.run.generation));
    let fingerprint = snapshot.run.definition_fingerprint.clone();
    let commit = async move {
        let mut commit = shared.commit_measured(Arc::new(decision)).await?;
        if commit == Commit::PreconditionFailed {
            let current = Arc::clone(&generation);
            let decide_again = Box::new(move |snapshot: Option<&Snapshot>| {
                let snapshot = snapshot?;
                current.store(snapshot.run.generation, Ordering::Relaxed);
                decide(snapshot)
            });
            commit = shared.store().commit_locked(run_id, decide_again).await?;
        }
        if let Commit::Applied(applied @ Applied { ended: Some(_), .. }) = &commit {
            shared.count_end(&fingerprint, applied);
            // Nothing of this generation can commit any more.
            let generation = generation.load(Ordering::Relaxed);
            shared.running().stop_run(run_id, generation);
            shared.run_cache().remove(run_id, generation);
        }
        Ok(commit)
    };
    // The bodies of a run that has ended are stopped although the caller has stopped waiting.
    kernel.detach(commit, |_, _| {}).await
}

/// Returns a decision of the command that is applied only while the run is in the state of this snapshot.
pub(super) fn decision_at(snapshot: &Snapshot, command: &'static str, changes: Vec<Change>) -> Decision {
    Decision {
        run_id: snapshot.run.id,
        command,
        precondition: Precondition::Revision(snapshot.revision()),
        idempotency: None,
        changes,
    }
}

impl Snapshot {
    /// Returns the revision of the run that the snapshot was read at.
    pub(super) const fn revision(&self) -> Revision {
        Revision { version: self.run.version, last_sequence: self.run.last_sequence }
    }
}
