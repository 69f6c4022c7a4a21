//! One transaction over everything that is ready at the same time (group commit).

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, Utc};

use super::failure::Failure;
use super::session::Session;
use super::work::{Ask, CallWrite, Locked, Work};
use super::{attached, calls, claim, deliveries, flush, load, retention, statements};
use crate::error::Error;
use crate::ports::{Commit, Decision};
use crate::stores::announcement::Announcement;
use crate::stores::apply::apply;
use crate::stores::calls::{EndedRow, IntendedRow};
use crate::stores::claiming::take;
use crate::stores::footprint::Footprint;
use crate::stores::working_set::WorkingSet;

/// Runs the works in one transaction that has been begun, and leaves the answers with them. The order is free, as
/// everybody asked at the same time: claims look at the queue as it was, decisions come after them, and what goes
/// past the working set (leases, deliveries) comes last, so that no row is written back over it.
pub(super) async fn run(
    session: &mut Session,
    works: &mut [Work],
    now: DateTime<Utc>,
    deliver_events: bool,
) -> Result<Announcement, Failure> {
    let mut set = WorkingSet::default();
    let mut footprint = Footprint::default();
    let (mut claims, mut taken) = (Vec::new(), HashSet::new());
    for work in works.iter_mut() {
        match work {
            Work::Claim(ask) => {
                claims.push(claim::candidates(session, &ask.input, now, &mut taken).await?);
            }
            Work::Commit(ask) => footprint.add(&ask.input),
            _ => {}
        }
    }
    for (run_id, stage_id) in taken {
        footprint.add_stage(run_id, stage_id);
    }
    if !footprint.runs.is_empty() {
        load::load(session, &footprint, &mut set).await?;
        calls::load(session, &footprint, &mut set).await?;
    }

    let mut claims = claims.into_iter();
    for work in works.iter_mut() {
        if let Work::Claim(ask) = work {
            let candidates = claims.next().unwrap_or_default();
            ask.output = Some(Ok(take(&mut set, &ask.input.claim, candidates, now)));
        }
    }
    for work in works.iter_mut() {
        match work {
            Work::Commit(ask) => ask.output = Some(apply(&mut set, &ask.input, now)),
            Work::CommitLocked(ask) => ask.output = Some(commit_locked(session, ask, &mut set, now).await?),
            _ => {}
        }
    }
    flush::flush(session, &set, deliver_events).await?;
    attached::flush(session, &set).await?;
    calls::flush(session, &set).await?;

    for work in works.iter_mut() {
        match work {
            Work::Renew(ask) => ask.output = Some(Ok(claim::renew(session, &ask.input, now).await?)),
            Work::ClaimDeliveries(ask) => {
                ask.output = Some(Ok(deliveries::claim(session, &ask.input, now).await?));
            }
            Work::SettleDeliveries(ask) => {
                ask.output = Some(Ok(deliveries::settle_all(session, &ask.input, now).await?));
            }
            Work::Replay(ask) => {
                let runs = deliveries::replay(session, &ask.input, now).await?;
                for run_id in &runs {
                    set.announcement.run(*run_id);
                }
                ask.output = Some(Ok(runs.len()));
            }
            Work::Purge(ask) => {
                let purged = retention::purge(session, &ask.input, now).await?;
                for run_id in &purged {
                    set.announcement.run(*run_id);
                }
                ask.output = Some(Ok(purged));
            }
            Work::ForgetPurged(ask) => ask.output = Some(Ok(retention::forget(session, &ask.input).await?)),
            Work::WriteCall(ask) => ask.output = Some(Ok(write_call(session, &ask.input, now).await?)),
            _ => {}
        }
    }
    // Last of all: whatever they do, the engine has written what it had to.
    statements::run(session, &set.attached.executed).await?;
    Ok(set.announcement)
}

/// Loads a run, has it decided about, and applies the decision.
async fn commit_locked(
    session: &mut Session,
    ask: &mut Ask<Locked, Commit>,
    set: &mut WorkingSet,
    now: DateTime<Utc>,
) -> Result<Result<Commit, Error>, Failure> {
    load::load_whole(session, ask.input.run_id, set).await?;
    let snapshot = set.snapshot(ask.input.run_id);
    let Some(decide) = ask.input.decide.take() else { return Ok(Ok(Commit::Missed)) };
    // A panic of the kernel's must not take the writer with it: everybody else still needs it.
    let decision: Option<Decision> = match catch_unwind(AssertUnwindSafe(|| decide(snapshot.as_ref()))) {
        Ok(decision) => decision,
        Err(_) => return Ok(Err(Error::store_failed("commit a decision", "deciding panicked"))),
    };
    let Some(decision) = decision else { return Ok(Ok(Commit::Missed)) };
    let mut footprint = Footprint::default();
    footprint.add(&decision);
    if !footprint.keys.is_empty() || decision.run_id != ask.input.run_id {
        load::load(session, &footprint, set).await?;
    }
    calls::load(session, &footprint, set).await?;
    Ok(apply(set, &decision, now))
}

/// Writes about a call outside of every stage.
async fn write_call(session: &mut Session, write: &CallWrite, now: DateTime<Utc>) -> Result<(), Failure> {
    match write {
        CallWrite::Intend(id, call) => {
            calls::intend(session, &[IntendedRow::outside(*id, (**call).clone(), now)]).await
        }
        CallWrite::End(id, end) => {
            calls::end(session, &[EndedRow::new(*id, (**end).clone(), now)], false).await
        }
    }
}
