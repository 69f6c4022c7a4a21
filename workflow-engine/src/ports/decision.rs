//! A decision: everything that one command writes, as data.
//!
//! The kernel decides from a snapshot, without I/O. A store applies the decision in one transaction if its
//! [`Precondition`] still holds. Because decisions are data, several of them share a transaction (group commit), and a
//! store may turn a batch of them into one statement.

use super::change::Change;
use super::idempotency_entry::IdempotencyEntry;
use super::precondition::Precondition;
use crate::value::RunId;

/// Everything that one command writes to one run. A store applies all of it or none of it.
#[derive(Clone, Debug)]
pub struct Decision {
    /// The run.
    pub run_id: RunId,
    /// The name of the command that makes the decision, such as `run.cancel`. It is the cause of the decision's events
    /// where no idempotency key and no lease is: see [`Event::causation_id`](crate::records::Event::causation_id).
    pub command: &'static str,
    /// The condition under which the decision is applied.
    pub precondition: Precondition,
    /// The idempotency key of the command, stored in the same transaction.
    pub idempotency: Option<IdempotencyEntry>,
    /// The changes, in the order in which they apply. Each change writes its own events, and the store numbers them.
    pub changes: Vec<Change>,
}
