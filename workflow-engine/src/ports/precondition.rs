//! The condition under which a decision is applied.

use crate::records::Lease;
use crate::value::StageKey;

/// The condition under which a decision is applied. A decision is applied only to the state from which it was made:
/// when the condition does not hold, the store writes nothing and returns
/// [`Commit::PreconditionFailed`](super::Commit::PreconditionFailed).
///
/// Structural changes, such as starting or ending a run, compare the run's [`Revision`], which every commit of the run
/// moves. The outcome of a stage compares only the stage's lease, so two branches that complete at the same time do not
/// conflict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Precondition {
    /// No run has this id.
    Absent,
    /// No run has this id, and the schedule has this version: no process has moved, changed or deleted it
    /// since it was read.
    Schedule {
        /// The schedule's id.
        id: String,
        /// The schedule's version.
        version: u64,
    },
    /// The run exists, in any state. For changes that are valid in every state.
    Present,
    /// The run has not changed since the snapshot. For changes that were decided from the whole run.
    Revision(Revision),
    /// The stage's job is claimable: `PENDING` or `SUSPENDED`, due, and with an attempt left.
    Claimable {
        /// The stage.
        stage_key: StageKey,
        /// The run's generation.
        generation: u32,
    },
    /// As `Claimable`, and the job has not been claimed since: its next claim has the epoch after this one. For a
    /// command whose first commit must name the lease that it takes, as the key of `job.execute` does.
    ClaimableAt {
        /// The stage.
        stage_key: StageKey,
        /// The run's generation.
        generation: u32,
        /// The epoch of the job's newest lease.
        epoch: u64,
    },
    /// The lease is the job's newest, and its generation is the run's. For changes that commute with the commits of
    /// other stages.
    Lease(Lease),
    /// As `Lease`, and the run has not changed either.
    LeaseAndRevision(Lease, Revision),
    /// As `Lease`, and the lease has expired.
    ExpiredLease(Lease),
    /// As `ExpiredLease`, and the run has not changed either.
    ExpiredLeaseAndRevision(Lease, Revision),
}

/// The revision of a run. Every commit that changes the run moves at least one of the two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The run's version, which structural changes move.
    pub version: u64,
    /// The sequence number of the run's newest event.
    pub last_sequence: u64,
}
