//! One transaction over everything that is ready at the same time (group commit).

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, Utc};

use super::failure::Failure;
use super::row_cache::InFlight;
use super::session::Session;
use super::work::{Ask, CallWrite, Locked, Work};
use super::{calls, claim, deliveries, flush, load, retention, side_rows, statements};
use crate::error::Error;
use crate::ports::{Commit, Decision};
use crate::records::Lease;
use crate::stores::apply::apply;
use crate::stores::calls::{ReservedRow, SettledRow};
use crate::stores::footprint::Footprint;
use crate::stores::pending_notifications::Announcement;
use crate::stores::working_set::{RunRows, WorkingSet};
use crate::value::RunId;

/// What a transaction has brought about, for when it is committed.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// What to tell.
    pub(super) announcement: Announcement,
    /// The rows as they are now; those that were written past the working set are not among them.
    pub(super) runs: HashMap<RunId, RunRows>,
}

/// Runs the works in one transaction that has been begun, and leaves the answers with them. The order is free, as
/// everybody asked at the same time: claims look at the queue as it was, decisions come after them, and what goes
/// past the working set (leases, deliveries) comes last, so that no row is written back over it.
pub(super) fn run(
    session: &Session,
    in_flight: &mut InFlight,
    works: &mut [Work],
    now: DateTime<Utc>,
    deliver_events: bool,
) -> Result<Outcome, Failure> {
    let mut set = WorkingSet::default();
    let mut footprint = Footprint::default();
    let (mut claims, mut taken) = (Vec::new(), HashSet::new());
    for work in works.iter_mut() {
        match work {
            Work::Claim(ask) => {
                let chosen = claim::choose(session, &ask.input, now, &mut taken)?;
                chosen.read(&ask.input, &mut footprint);
                claims.push(chosen);
            }
            Work::Commit(ask) => footprint.add(&ask.input),
            _ => {}
        }
    }
    if !footprint.runs.is_empty() {
        load::load(session, &footprint, in_flight, &mut set)?;
        calls::load(session, &footprint, &mut set)?;
    }

    let mut claims = claims.into_iter();
    for work in works.iter_mut() {
        if let Work::Claim(ask) = work {
            let chosen = claims.next().unwrap_or_default();
            ask.output = Some(Ok(chosen.take(&ask.input, &mut set, now)));
        }
    }
    for work in works.iter_mut() {
        match work {
            Work::Commit(ask) => ask.output = Some(apply(&mut set, &ask.input, now)),
            Work::CommitLocked(ask) => {
                ask.output = Some(commit_locked(session, in_flight, ask, &mut set, now)?);
            }
            _ => {}
        }
    }
    flush::flush(session, &set, deliver_events)?;
    side_rows::flush(session, &set)?;
    calls::flush(session, &set)?;

    for work in works.iter_mut() {
        match work {
            Work::Renew(ask) => {
                ask.output = Some(Ok(claim::renew(session, &ask.input, now)?));
                for Lease { run_id, stage_id, .. } in &ask.input.leases {
                    in_flight.forget_stage(*run_id, stage_id);
                    if let Some(rows) = set.runs.get_mut(run_id) {
                        rows.stages.remove(stage_id);
                    }
                }
            }
            Work::ClaimDeliveries(ask) => {
                ask.output = Some(Ok(deliveries::claim(session, &ask.input, now)?));
            }
            Work::SettleDeliveries(ask) => {
                ask.output = Some(Ok(deliveries::settle_all(session, &ask.input, now)?));
            }
            Work::Replay(ask) => {
                let runs = deliveries::replay(session, &ask.input, now)?;
                for run_id in &runs {
                    set.announcement.run(*run_id);
                }
                ask.output = Some(Ok(runs.len()));
            }
            Work::Purge(ask) => {
                let purged = retention::purge(session, &ask.input, now)?;
                for run_id in &purged {
                    set.announcement.run(*run_id);
                    in_flight.forget_run(*run_id);
                    set.runs.remove(run_id);
                }
                ask.output = Some(Ok(purged));
            }
            Work::ForgetPurged(ask) => ask.output = Some(Ok(retention::forget(session, &ask.input)?)),
            Work::WriteCall(ask) => ask.output = Some(Ok(write_call(session, &ask.input, now)?)),
            _ => {}
        }
    }
    // Last of all: whatever they do, the engine has written what it had to.
    if !set.attached.executed.is_empty() {
        // Nobody knows what they touch.
        in_flight.forget();
        set.runs.clear();
        statements::run(session, &set.attached.executed)?;
    }
    Ok(Outcome { announcement: set.announcement, runs: set.runs })
}

/// Loads a run, has it decided about, and applies the decision.
fn commit_locked(
    session: &Session,
    in_flight: &mut InFlight,
    ask: &mut Ask<Locked, Commit>,
    set: &mut WorkingSet,
    now: DateTime<Utc>,
) -> Result<Result<Commit, Error>, Failure> {
    in_flight.forget_run(ask.input.run_id);
    load::load_whole(session, ask.input.run_id, set)?;
    let snapshot = set.snapshot(ask.input.run_id);
    let Some(decide) = ask.input.decide.take() else { return Ok(Ok(Commit::PreconditionFailed)) };
    // A panic of the kernel's must not take the writer with it: everybody else still needs it.
    let decision: Option<Decision> = match catch_unwind(AssertUnwindSafe(|| decide(snapshot.as_ref()))) {
        Ok(decision) => decision,
        Err(_) => return Ok(Err(Error::store_failed("commit a decision", "deciding panicked"))),
    };
    let Some(decision) = decision else { return Ok(Ok(Commit::PreconditionFailed)) };
    let mut footprint = Footprint::default();
    footprint.add(&decision);
    if !footprint.keys.is_empty() || decision.run_id != ask.input.run_id {
        load::load(session, &footprint, in_flight, set)?;
    }
    calls::load(session, &footprint, set)?;
    Ok(apply(set, &decision, now))
}

/// Writes about a call outside of every stage.
fn write_call(session: &Session, write: &CallWrite, now: DateTime<Utc>) -> Result<(), Failure> {
    match write {
        CallWrite::Reserve(id, call) => {
            calls::reserve(session, &[ReservedRow::outside(*id, (**call).clone(), now)])
        }
        CallWrite::Settle(id, outcome) => {
            calls::settle(session, &[SettledRow::new(*id, (**outcome).clone(), now)], false)
        }
    }
}
