//! The cause of a commit.

use std::fmt::Write;

use super::draft::Draft;
use crate::ports::{Decision, Precondition};
use crate::value::StageKey;

/// Returns the cause of the decision's events, in the form that
/// [`Event::causation_id`](crate::records::Event::causation_id) documents. The draft has the decision's changes.
pub(super) fn causation_id(draft: &Draft<'_>, decision: &Decision) -> String {
    if let Some(entry) = &decision.idempotency {
        return format!("{}:{}", entry.command, entry.key);
    }
    let of_lease = |stage_key: &StageKey, generation: u32, attempt: u32, epoch: u64| {
        let mut text = String::with_capacity(stage_key.id.len() + 32);
        // Writing to a `String` cannot fail.
        let _ = write!(text, "{stage_key}/{generation}/{attempt}/{epoch}");
        text
    };
    match &decision.precondition {
        Precondition::Lease(lease)
        | Precondition::LeaseAndRevision(lease, _)
        | Precondition::ExpiredLease(lease)
        | Precondition::ExpiredLeaseAndRevision(lease, _) => {
            // The changes may have deleted the job, or given it another lease.
            let attempt = draft.job_before(&lease.stage_key).map_or(0, |job| job.attempt);
            of_lease(&lease.stage_key, lease.generation, attempt, lease.epoch)
        }
        Precondition::Claimable { stage_key, .. } | Precondition::ClaimableAt { stage_key, .. } => {
            match draft.job(stage_key) {
                Some(job) => of_lease(stage_key, job.generation, job.attempt, job.lease_epoch),
                None => decision.command.to_owned(),
            }
        }
        Precondition::Absent
        | Precondition::Schedule { .. }
        | Precondition::Present
        | Precondition::Revision(_) => decision.command.to_owned(),
    }
}
