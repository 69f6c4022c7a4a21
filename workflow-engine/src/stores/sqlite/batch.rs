//! The batch: one transaction over every request that is ready at the same time (group commit).

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, Utc};

use super::failure::Failure;
use super::row_cache::RowCache;
use super::session::Session;
use super::work::{CallWrite, LockedCommit, Request, Work};
use super::{
    calls, catalog, claim, clock_jumps, deliveries, load, retention, side_rows, subscribers, user_statements,
    write,
};
use crate::error::Error;
use crate::ports::{Commit, Decision};
use crate::records::Lease;
use crate::stores::apply::apply;
use crate::stores::calls::{ReservedRow, SettledRow};
use crate::stores::footprint::Footprint;
use crate::stores::pending_notifications::PendingNotifications;
use crate::stores::working_set::{RunRows, WorkingSet};
use crate::value::{IdMap, RunId};

/// The results of a transaction that take effect after its commit.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The hints to send.
    pub(super) notifications: PendingNotifications,
    /// The rows as they are now, for the row cache. Rows that were written past the working set are missing.
    pub(super) runs: IdMap<RunId, RunRows>,
}

/// Executes the requests in the open transaction, and stores the output of each with it. The requests came at the same
/// time, so their order is free. Claims read the queue first, decisions follow, and statements that write past the
/// working set (leases, deliveries) come last, so that the write-back does not overwrite them.
pub(super) fn run(
    session: &Session,
    row_cache: &mut RowCache,
    requests: &mut [Work],
    now: DateTime<Utc>,
) -> Result<Outcome, Failure> {
    let mut set = WorkingSet::default();
    let mut footprint = Footprint::default();
    let (mut claims, mut taken) = (Vec::new(), HashSet::new());
    for request in requests.iter_mut() {
        match request {
            Work::Claim(request) => {
                let selection = claim::select(session, &request.input, now, &mut taken)?;
                selection.extend_footprint(&request.input, &mut footprint);
                claims.push(selection);
            }
            Work::Commit(request) => footprint.add(&request.input),
            _ => {}
        }
    }
    if !footprint.runs.is_empty() {
        load::load(session, &footprint, row_cache, &mut set)?;
        calls::load(session, &footprint, &mut set)?;
    }

    let mut claims = claims.into_iter();
    for request in requests.iter_mut() {
        if let Work::Claim(request) = request {
            let selection = claims.next().unwrap_or_default();
            request.output = Some(Ok(selection.claim(&request.input, &mut set, now)));
        }
    }
    for request in requests.iter_mut() {
        match request {
            Work::Commit(request) => request.output = Some(apply(&mut set, &request.input, now)),
            Work::CommitLocked(request) => {
                request.output = Some(commit_locked(session, row_cache, request, &mut set, now)?);
            }
            _ => {}
        }
    }
    write::write(session, &set, now)?;
    side_rows::write(session, &set)?;
    calls::write(session, &set)?;

    for request in requests.iter_mut() {
        match request {
            Work::Renew(request) => {
                request.output = Some(Ok(claim::renew(session, &request.input, now)?));
                for Lease { run_id, stage_id, .. } in &request.input.leases {
                    // The lease was written past the working set, so neither the cache nor the set has it.
                    row_cache.remove_stage(*run_id, stage_id);
                    if let Some(rows) = set.runs.get_mut(run_id) {
                        rows.stages.remove(stage_id);
                    }
                }
            }
            Work::ClaimDeliveries(request) => {
                request.output = Some(Ok(deliveries::claim(session, &request.input, now)?));
            }
            Work::SettleDeliveries(request) => {
                request.output = Some(Ok(deliveries::settle_all(session, &request.input, now)?));
            }
            Work::RenewDeliveries(request) => {
                request.output = Some(Ok(deliveries::renew(session, &request.input, now)?));
            }
            Work::RegisterSubscriber(request) => {
                request.output = Some(Ok(subscribers::register(session, &request.input, now)?));
            }
            Work::RemoveSubscriber(request) => {
                request.output = Some(Ok(subscribers::remove(session, &request.input, now)?));
            }
            Work::RegisterDefinitions(request) => {
                request.output = Some(Ok(catalog::add(session, &request.input, now)?));
            }
            Work::Requeue(request) => {
                let runs = deliveries::requeue(session, &request.input, now)?;
                for run_id in &runs {
                    set.notifications.run_changed(*run_id);
                }
                request.output = Some(Ok(runs.len()));
            }
            Work::Purge(request) => {
                let purged = retention::purge(session, &request.input, now)?;
                forget_runs(&purged, row_cache, &mut set);
                request.output = Some(Ok(purged));
            }
            Work::ForgetPurged(request) => {
                request.output = Some(Ok(retention::forget(session, &request.input)?));
            }
            Work::CorrectInstants(request) => {
                let corrected = clock_jumps::correct(session, now)?;
                if corrected > 0 {
                    row_cache.clear();
                    set.runs.clear();
                }
                request.output = Some(Ok(corrected));
            }
            Work::WriteCall(request) => request.output = Some(Ok(write_call(session, &request.input, now)?)),
            _ => {}
        }
    }
    // The statements of the user run last: the precondition has held, and the engine has written all of its rows.
    if !set.side_rows.user_statements.is_empty() {
        // They may write to any table, also to the engine's own.
        row_cache.clear();
        set.runs.clear();
        user_statements::run(session, &set.side_rows.user_statements)?;
    }
    Ok(Outcome { notifications: set.notifications, runs: set.runs })
}

/// Removes deleted runs from memory.
fn forget_runs(deleted: &[RunId], row_cache: &mut RowCache, set: &mut WorkingSet) {
    for run_id in deleted {
        set.notifications.run_changed(*run_id);
        row_cache.remove_run(*run_id);
        set.runs.remove(run_id);
    }
}

/// Loads a run, calls the function that decides, and applies its decision.
fn commit_locked(
    session: &Session,
    row_cache: &mut RowCache,
    request: &mut Request<LockedCommit, Commit>,
    set: &mut WorkingSet,
    now: DateTime<Utc>,
) -> Result<Result<Commit, Error>, Failure> {
    row_cache.remove_run(request.input.run_id);
    load::load_whole(session, request.input.run_id, set)?;
    let snapshot = set.snapshot(request.input.run_id);
    let Some(decide) = request.input.decide.take() else { return Ok(Ok(Commit::PreconditionFailed)) };
    // A panic of the kernel must not end the writer, which serves all other callers.
    let decision: Option<Decision> = match catch_unwind(AssertUnwindSafe(|| decide(snapshot.as_ref()))) {
        Ok(decision) => decision,
        Err(_) => return Ok(Err(Error::store_failed("commit a decision", "deciding panicked"))),
    };
    let Some(decision) = decision else { return Ok(Ok(Commit::PreconditionFailed)) };
    let mut footprint = Footprint::default();
    footprint.add(&decision);
    if !footprint.keys.is_empty() || decision.run_id != request.input.run_id {
        load::load(session, &footprint, row_cache, set)?;
    }
    calls::load(session, &footprint, set)?;
    Ok(apply(set, &decision, now))
}

/// Writes a call outside of every stage.
fn write_call(session: &Session, write: &CallWrite, now: DateTime<Utc>) -> Result<(), Failure> {
    match write {
        CallWrite::Reserve(id, call) => {
            calls::reserve(session, &[ReservedRow::without_stage(*id, (**call).clone(), now)])
        }
        CallWrite::Settle(id, outcome) => {
            calls::settle(session, &[SettledRow::new(*id, (**outcome).clone(), now)], false)
        }
    }
}
