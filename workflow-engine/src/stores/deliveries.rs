//! Settling a delivery, and checking a subscription. Every store shares this code, so both have one meaning everywhere.

use chrono::{DateTime, Utc};

use super::instant;
use crate::error::Error;
use crate::ports::{DeliveryLease, DeliveryOutcome, Settlement, Subscription};
use crate::records::DeliveryRecord;

/// The rows that replace a settled delivery.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SettledRows {
    /// The delivery; `None` where the subscriber has received every event.
    pub(super) row: Option<DeliveryRecord>,
    /// A dead letter that leaves the run's stream.
    pub(super) letter: Option<DeliveryRecord>,
}

/// Returns the types of events of a subscription, sorted and each once: two equal sets are then equal lists.
pub(super) fn sorted_types(subscription: &Subscription) -> Vec<&'static str> {
    let mut types = subscription.event_types.clone();
    types.sort_unstable();
    types.dedup();
    types
}

/// Checks that a flusher can deliver every type of events for which its subscriber is registered; `None` where it is not
/// registered.
pub(super) fn check_registered(
    subscription: &Subscription,
    registered: Option<&[String]>,
) -> Result<(), Error> {
    let name = &subscription.subscriber;
    let Some(registered) = registered else { return Err(Error::subscriber_unknown(name)) };
    let is_missing = |registered: &&str| !subscription.event_types.contains(registered);
    let missing: Vec<&str> = registered.iter().map(String::as_str).filter(is_missing).collect();
    if missing.is_empty() { Ok(()) } else { Err(Error::subscription_outdated(name, &missing)) }
}

/// Returns the lease that allows to settle this row.
pub(super) fn lease_of(row: &DeliveryRecord) -> DeliveryLease {
    DeliveryLease {
        subscriber: row.subscriber.clone(),
        run_id: row.run_id,
        letter: row.letter,
        epoch: row.epoch,
        next: row.next,
    }
}

/// Returns the last sequence number that a claim reads.
pub(super) fn window_end(row: &DeliveryRecord, window: usize) -> u64 {
    let window = u64::try_from(window).unwrap_or(u64::MAX).max(1);
    row.last.min(row.next.saturating_add(window - 1))
}

/// Settles a delivery. Returns `None` where another flusher has claimed or settled it in the meantime.
pub(super) fn settle(
    mut row: DeliveryRecord,
    settlement: &Settlement,
    now: DateTime<Utc>,
) -> Option<SettledRows> {
    if row.dead_at.is_some() || lease_of(&row) != settlement.lease {
        return None;
    }
    (row.due_at, row.worker_id) = (now, None);
    let mut letter = None;
    match &settlement.outcome {
        DeliveryOutcome::Delivered { last_sequence } => advance(&mut row, last_sequence.saturating_add(1)),
        DeliveryOutcome::Refused { sequence, error, delay } => {
            refuse(&mut row, *sequence, error);
            row.due_at = instant::after(now, *delay);
        }
        DeliveryOutcome::GivenUp { sequence, error, block_on_dead_letter } => {
            refuse(&mut row, *sequence, error);
            // A dead letter that has left the stream (`letter` is not 0) has its own row already, which becomes dead again.
            if *block_on_dead_letter || row.letter != 0 {
                row.dead_at = Some(now);
            } else {
                letter = Some(DeliveryRecord {
                    letter: *sequence,
                    last: *sequence,
                    dead_at: Some(now),
                    ..row.clone()
                });
                advance(&mut row, sequence.saturating_add(1));
            }
        }
    }
    Some(SettledRows { row: (row.next <= row.last).then_some(row), letter })
}

/// Moves the delivery to `next`; every event before it is delivered.
fn advance(row: &mut DeliveryRecord, next: u64) {
    if next > row.next {
        (row.next, row.attempts, row.error) = (next, 0, None);
    }
}

fn refuse(row: &mut DeliveryRecord, sequence: u64, error: &str) {
    advance(row, sequence);
    row.attempts += 1;
    row.error = Some(error.to_owned());
}
