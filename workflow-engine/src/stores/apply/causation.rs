//! The cause of a commit.

use super::draft::Draft;
use crate::ports::{Decision, Precondition};

/// Returns the cause of the decision's events, in the form that
/// [`Event::causation_id`](crate::records::Event::causation_id) documents. The draft has the decision's changes.
pub(super) fn causation_id(draft: &Draft<'_>, decision: &Decision) -> String {
    if let Some(entry) = &decision.idempotency {
        return format!("{}:{}", entry.command, entry.key);
    }
    let of_lease = |stage_id: &str, generation: u32, attempt: u32, epoch: u64| {
        format!("{stage_id}/{generation}/{attempt}/{epoch}")
    };
    match &decision.precondition {
        Precondition::Lease(lease)
        | Precondition::LeaseAndRevision(lease, _)
        | Precondition::ExpiredLease(lease)
        | Precondition::ExpiredLeaseAndRevision(lease, _) => {
            // The changes may have deleted the job, or given it another lease.
            let attempt = draft.job_before(&lease.stage_id).map_or(0, |job| job.attempt);
            of_lease(&lease.stage_id, lease.generation, attempt, lease.epoch)
        }
        Precondition::Claimable { stage_id, .. } | Precondition::ClaimableAt { stage_id, .. } => {
            match draft.job(stage_id) {
                Some(job) => of_lease(stage_id, job.generation, job.attempt, job.lease_epoch),
                None => decision.command.to_owned(),
            }
        }
        Precondition::Absent
        | Precondition::Schedule { .. }
        | Precondition::Present
        | Precondition::Revision(_) => decision.command.to_owned(),
    }
}
