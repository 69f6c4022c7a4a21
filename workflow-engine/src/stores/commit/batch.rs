//! The batch: one transaction over every request that is ready at the same time (group commit).

use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::DateTime;

use super::request::{LockedCommit, LockedDecision};
use super::{Backend, CommitFailure, Request, Work, Written};
use crate::error::Error;
use crate::ports::Commit;
use crate::records::Lease;
use crate::stores::apply::apply;
use crate::stores::footprint::Footprint;
use crate::value::{IdSet, RunId};

/// Serves the requests in the transaction, and keeps the output of each with it. A decision of which nothing was written
/// has no output then. The requests came at the same time, so their order is free: claims read the queue first,
/// decisions follow, and statements that write past the working set come last, so that it does not overwrite them.
pub(in crate::stores) async fn run<B: Backend>(
    backend: &mut B,
    works: &mut [Work<B>],
) -> Result<(), B::Failure> {
    let mut footprint = Footprint::default();
    let mut selections = Vec::new();
    for work in works.iter_mut() {
        match work {
            Work::Claim(request) => {
                let selection = backend.select(&request.input).await?;
                selection.extend_footprint(&request.input, &mut footprint);
                selections.push(selection);
            }
            Work::Commit(request) => footprint.add(&request.input),
            Work::Renew(request) => {
                for Lease { run_id, stage_key, .. } in &request.input.leases {
                    footprint.add_stage(*run_id, stage_key.clone());
                    footprint.fresh_runs.insert(*run_id);
                }
            }
            Work::CommitLocked(_) | Work::Direct(_) => {}
        }
    }

    // Without a run, no decision is applied, and its instant does not matter.
    let is_empty = footprint.runs.is_empty();
    let now = if is_empty { DateTime::UNIX_EPOCH } else { backend.load(&footprint).await? };

    let mut selections = selections.into_iter();
    for work in works.iter_mut() {
        let Work::Claim(request) = work else { continue };
        let selection = selections.next().unwrap_or_default();
        let has_found = !selection.is_empty();
        let claimed = selection.claim(&request.input, backend.set(), now);
        if has_found
            && claimed.is_empty()
            && let Some(failure) = B::Failure::of_lost_claim()
        {
            return Err(failure);
        }
        request.output = Some(Ok(claimed));
    }
    for work in works.iter_mut() {
        let Work::Renew(request) = work else { continue };
        request.output = Some(Ok(backend.set().renew(&request.input, now)));
    }
    let mut applied = IdSet::default();
    for work in works.iter_mut() {
        let Work::Commit(request) = work else { continue };
        let outcome = apply(backend.set(), &request.input, now);
        let is_applied = matches!(outcome, Ok(Commit::Applied(_)));
        if is_applied {
            applied.insert(request.input.run_id);
        }
        request.output = (is_applied || backend.is_final(&request.input)).then_some(outcome);
    }
    for work in works.iter_mut() {
        let Work::CommitLocked(request) = work else { continue };
        let outcome = commit_locked(backend, request).await?;
        if matches!(outcome, Ok(Commit::Applied(_))) {
            applied.insert(request.input.run_id);
        }
        request.output = Some(outcome);
    }

    applied.extend(backend.set().side_rows.other_runs.iter().copied());
    match backend.write(&applied).await? {
        Written::Everything => {}
        Written::Nothing => works.iter_mut().for_each(|work| take_back(work, |_| true)),
        Written::Without(stale) => {
            for work in works.iter_mut() {
                take_back(work, |run_id| stale.contains(&run_id));
            }
        }
    }
    for work in works {
        if let Work::Direct(request) = work {
            request.run(backend).await?;
        }
    }
    // Last: the precondition has held, and the engine has written all of its rows.
    if !backend.set().side_rows.user_statements.is_empty() {
        backend.run_user_statements().await?;
    }
    Ok(())
}

/// Takes back the output of a decision of which nothing was written, and every output that such a decision may have
/// caused.
fn take_back<B: Backend>(work: &mut Work<B>, is_stale: impl Fn(RunId) -> bool) {
    let Work::Commit(request) = work else { return };
    let is_applied = matches!(request.output, Some(Ok(Commit::Applied(_))));
    if !is_applied || is_stale(request.input.run_id) {
        request.output = None;
    }
}

/// Locks and loads a run, lets the caller decide, and applies the decision.
async fn commit_locked<B: Backend>(
    backend: &mut B,
    request: &mut Request<LockedCommit, Commit>,
) -> Result<Result<Commit, Error>, B::Failure> {
    let run_id = request.input.run_id;
    let mut now = backend.load_whole(run_id).await?;
    let decide = std::mem::replace(&mut request.input.decide, LockedDecision::Decided(None));
    let (decision, is_repeated) = match decide {
        LockedDecision::Pending(decide) => {
            let snapshot = backend.set().snapshot(run_id);
            // A panic of the kernel must not end the committer, which serves other callers, too.
            match catch_unwind(AssertUnwindSafe(|| decide(snapshot.as_ref()))) {
                Ok(decision) => (decision, false),
                Err(_) => return Ok(Err(Error::store_failed("commit a decision", "the decision panicked"))),
            }
        }
        LockedDecision::Decided(decision) => (decision.map(|decision| *decision), true),
    };
    request.input.decide = LockedDecision::Decided(decision.clone().map(Box::new));
    let Some(decision) = decision else { return Ok(Ok(Commit::PreconditionFailed)) };
    let mut footprint = Footprint::default();
    footprint.add(&decision);
    if footprint.has_side_rows() || decision.run_id != run_id {
        now = backend.load(&footprint).await?;
    }
    let outcome = apply(backend.set(), &decision, now);
    if is_repeated && matches!(outcome, Ok(Commit::PreconditionFailed)) {
        // The run has changed since the decision was made, and `decide` can be called only once.
        return Ok(Err(Error::store_unavailable("commit", "another transaction has changed the run")));
    }
    Ok(outcome)
}
