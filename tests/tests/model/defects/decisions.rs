//! Decisions as a defective kernel would make them.

use std::time::Duration;

use workflow_engine::ports::{Change, Decision, OtherRun, Precondition, RunEnd};
use workflow_engine::records::Claimant;

use super::Defect;

/// How slow the clock of every process is.
pub const LATE: Duration = Duration::from_secs(10);

/// Returns the decision of the defective kernel.
pub fn with_defect(defect: Defect, mut decision: Decision) -> Decision {
    match defect {
        Defect::AppClockLease => decision.changes.iter_mut().filter_map(claim_of).for_each(shorten),
        Defect::AttemptCountedAtItsEnd if matches!(decision.precondition, Precondition::ExpiredLease(_)) => {
            for change in &mut decision.changes {
                if let Change::RecordCrash { stage_key, .. } = change {
                    *change = Change::ReturnJob {
                        stage_key: std::mem::take(stage_key),
                        reason: "the worker stops".into(),
                    };
                }
            }
        }
        Defect::ReapWithoutCap
            if matches!(decision.precondition, Precondition::ExpiredLeaseAndRevision(..)) =>
        {
            let retry = |change| match change {
                Change::Fail { stage_key, error } => {
                    Some(Change::Retry { stage_key, error, delay: Duration::ZERO })
                }
                _ => None,
            };
            decision.changes = decision.changes.into_iter().filter_map(retry).collect();
        }
        Defect::UnknownIsDead => {
            decision.precondition = match decision.precondition {
                Precondition::ExpiredLease(lease) => Precondition::Lease(lease),
                precondition => precondition,
            };
        }
        Defect::ReleasedTwice => {
            let twice = |change: Change| match change {
                Change::Release { .. } => vec![change.clone(), change],
                change => vec![change],
            };
            decision.changes = decision.changes.into_iter().flat_map(twice).collect();
        }
        Defect::SkipSpreads => {
            let skips =
                |change: &Change| matches!(change, Change::Skip { because, .. } if because == "order");
            if let Some(last) = decision.changes.iter().rposition(skips) {
                let spread = Change::Skip { stage_key: "sum".into(), because: "order".into() };
                decision.changes.insert(last + 1, spread);
            }
        }
        Defect::EarlySignalIsLost => {
            for change in &mut decision.changes {
                if let Change::Suspend { awaits_signal, .. } = change {
                    *awaits_signal = false;
                }
            }
        }
        Defect::DelayIsForgotten => {
            decision.changes.retain(|change| !matches!(change, Change::Delay { .. }));
        }
        Defect::RerunDelaysAgain if decision.command == "run.rerunFrom" => {
            let is_right = |change: &Change| matches!(change, Change::Enqueue { stage_key, .. } if *stage_key == "right");
            if let Some(place) = decision.changes.iter().position(is_right) {
                let delay = Change::Delay { stage_key: "right".into(), delay: Duration::from_secs(5) };
                decision.changes.insert(place + 1, delay);
            }
        }
        Defect::ParentSleepsOn => {
            let wakes = |change: &Change| matches!(change, Change::OtherRun(OtherRun::WakeParent { .. }));
            decision.changes.retain(|change| !wakes(change));
        }
        Defect::ChildIsForgotten => {
            let ends = |change: &Change| matches!(change, Change::OtherRun(OtherRun::CancelChild { .. }));
            decision.changes.retain(|change| !ends(change));
        }
        Defect::HandBackKeepsLease => {
            decision.changes.retain(|change| !matches!(change, Change::ReturnJob { .. }));
        }
        Defect::EndedRunKeepsJobs if ends(&decision) => {
            decision.changes.retain(|change| !matches!(change, Change::Cancel { .. }));
        }
        _ => {}
    }
    decision
}

/// Returns whether a decision ends its run without an output.
pub fn ends(decision: &Decision) -> bool {
    decision.changes.iter().any(|change| matches!(change, Change::EndRun(_)))
}

/// Returns whether a decision ends a wait whose time has passed.
pub fn times_out(decision: &Decision) -> bool {
    let is_late =
        |change: &Change| matches!(change, Change::Fail { error, .. } if error.contains("not ready within"));
    decision.changes.iter().any(is_late)
}

/// Returns whether a decision cancels its run.
pub fn cancels(decision: &Decision) -> bool {
    decision.changes.iter().any(|change| matches!(change, Change::EndRun(RunEnd::Cancelled(_))))
}

/// Removes the changes that a defective kernel writes in a second transaction, and returns them.
pub fn split_off(defect: Defect, decision: &mut Decision) -> Vec<Change> {
    let changes = std::mem::take(&mut decision.changes);
    let is_later = |change: &Change| match change {
        Change::Enqueue { .. } | Change::Release { .. } => defect == Defect::EnqueueAfterCommit,
        Change::OtherRun(OtherRun::Start(_)) => defect == Defect::ChildStartsLater,
        _ => false,
    };
    let (later, now) = changes.into_iter().partition(is_later);
    decision.changes = now;
    later
}

/// Shortens a lease as if it began at the time of the slow clock.
pub fn shorten(claim: &mut Claimant) {
    claim.lease = claim.lease.saturating_sub(LATE);
}

fn claim_of(change: &mut Change) -> Option<&mut Claimant> {
    match change {
        Change::Claim { claim, .. } => Some(claim),
        Change::Enqueue { claim, .. } | Change::Release { claim, .. } => claim.as_mut(),
        _ => None,
    }
}
