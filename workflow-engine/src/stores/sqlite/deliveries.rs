//! The statements of the outbox.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;

use super::arguments::count;
use super::cells::OwnedRow;
use super::columns::{Columns, commit_of};
use super::failure::Failure;
use super::json_rows::JsonRows;
use super::session::Session;
use crate::ports::{Delivery, DeliveryClaim, DeliveryLease, Settlement};
use crate::records::{DeadLetter, DeliveryRecord};
use crate::stores::deliveries::{lease_of, settle, window_end};
use crate::stores::delivery_requests::{RegisteredClaim, RenewDeliveries, Requeue};
use crate::stores::instant;
use crate::stores::rows::{ReadColumns, RowList, WriteColumns, commit, commit_columns};
use crate::value::RunId;

/// Whether there are new events, or due deliveries of the subscriber, and the types of events for which it is registered.
/// For a read outside of the write transaction.
pub(super) const ANY_DELIVERIES: &str = "
    SELECT EXISTS (SELECT 1 FROM {prefix}commits WHERE published_at IS NULL)
        OR EXISTS (SELECT 1 FROM {prefix}plugin_deliveries WHERE plugin = ?1 AND dlq_at IS NULL AND due_at <= ?2),
        (SELECT event_types FROM {prefix}subscribers WHERE name = ?1)";

/// The columns of a delivery in the order in which [`record`] reads them.
macro_rules! delivery_columns {
    () => {
        "workflow_run_id, plugin, letter, next_sequence, last_sequence, lease_epoch, retry_count, due_at, \
         error_message, dlq_at, worker_id"
    };
}

/// The commits with new events, the same for each statement of a transaction.
macro_rules! new_commits {
    () => {
        "SELECT workflow_run_id, sequence, event_types FROM {prefix}commits WHERE published_at IS NULL
        ORDER BY workflow_run_id, sequence LIMIT ?2"
    };
}

/// Selects one row for each event and subscriber, in order: the first one inserts the delivery, later ones extend it.
const ADD_DELIVERIES: &str = concat!(
    "INSERT INTO {prefix}plugin_deliveries
        (workflow_run_id, plugin, letter, next_sequence, last_sequence, lease_epoch, retry_count, due_at, due_written_at)
    SELECT fresh.workflow_run_id, s.name, 0, fresh.sequence + t.key, fresh.sequence + t.key, 0, 0, ?1, ?1
    FROM (",
    new_commits!(),
    ") AS fresh CROSS JOIN json_each(fresh.event_types) AS t CROSS JOIN {prefix}subscribers AS s
    WHERE instr(s.event_types, '\"' || t.value || '\"') > 0
    ON CONFLICT (workflow_run_id, plugin, letter) DO UPDATE SET last_sequence = excluded.last_sequence"
);

const MARK_PUBLISHED: &str = concat!(
    "UPDATE {prefix}commits SET published_at = ?1
    WHERE (workflow_run_id, sequence) IN (SELECT workflow_run_id, sequence FROM (",
    new_commits!(),
    "))"
);

/// Separate from [`CLAIM`], because `RETURNING` has no order.
const DUE: &str = concat!(
    "SELECT ",
    delivery_columns!(),
    " FROM {prefix}plugin_deliveries WHERE plugin = ?1 AND dlq_at IS NULL AND due_at <= ?2
        AND EXISTS (SELECT 1 FROM {prefix}subscribers WHERE name = ?1 AND event_types = ?4)
    ORDER BY due_at, workflow_run_id, letter LIMIT ?3"
);

const CLAIM: &str = "
    UPDATE {prefix}plugin_deliveries
    SET due_at = ?2, due_written_at = ?4, lease_epoch = lease_epoch + 1, worker_id = ?3
    WHERE (workflow_run_id, plugin, letter) IN
        (SELECT value ->> 0, value ->> 1, value ->> 2 FROM jsonb_each(?1))";

/// The commits with events of the claimed deliveries, each with the number of its delivery.
const COMMITS: &str = concat!(
    "SELECT n.key, ",
    commit_columns!(flat_row),
    " FROM jsonb_each(?1) AS n CROSS JOIN {prefix}commits AS c
    ON c.workflow_run_id = n.value ->> 0 AND c.sequence <= n.value ->> 2 AND c.sequence >= ",
    commit_of!("n.value ->> 0", "n.value ->> 1"),
    " WHERE EXISTS (
        SELECT 1 FROM json_each(c.event_types) AS t WHERE t.value IN (SELECT value FROM jsonb_each(?2)))"
);

const LOAD: &str = concat!(
    "SELECT ",
    delivery_columns!(),
    " FROM jsonb_each(?1) AS n CROSS JOIN {prefix}plugin_deliveries
    ON workflow_run_id = n.value ->> 0 AND plugin = n.value ->> 1 AND letter = n.value ->> 2"
);

const UPSERT: &str = concat!(
    "INSERT INTO {prefix}plugin_deliveries (",
    delivery_columns!(),
    ", due_written_at) SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
        value ->> 8, value ->> 9, value ->> 10, ?2
    FROM jsonb_each(?1) WHERE true
    ON CONFLICT (workflow_run_id, plugin, letter) DO UPDATE
    SET next_sequence = excluded.next_sequence, last_sequence = excluded.last_sequence,
        lease_epoch = excluded.lease_epoch, retry_count = excluded.retry_count, due_at = excluded.due_at,
        due_written_at = excluded.due_written_at,
        error_message = excluded.error_message, dlq_at = excluded.dlq_at, worker_id = excluded.worker_id"
);

const DELETE: &str = "
    DELETE FROM {prefix}plugin_deliveries WHERE (workflow_run_id, plugin, letter) IN
        (SELECT value ->> 0, value ->> 1, value ->> 2 FROM jsonb_each(?1))";

pub(super) const NEXT_DUE: &str = "
    SELECT due_at AS due FROM {prefix}plugin_deliveries WHERE plugin = ?1 AND dlq_at IS NULL ORDER BY due_at LIMIT 1";

pub(super) const DEAD_LETTERS: &str = concat!(
    "SELECT d.plugin, d.error_message, d.retry_count, d.dlq_at, d.next_sequence, ",
    commit_columns!(flat_row),
    " FROM {prefix}plugin_deliveries AS d CROSS JOIN {prefix}commits AS c
    ON c.workflow_run_id = d.workflow_run_id AND c.sequence = ",
    commit_of!("d.workflow_run_id", "d.next_sequence"),
    " WHERE d.dlq_at IS NOT NULL AND (?1 IS NULL OR d.plugin = ?1)
    AND (d.plugin, d.dlq_at, d.workflow_run_id, d.next_sequence) > (?3, ?4, ?5, ?6)
    ORDER BY d.plugin, d.dlq_at, d.workflow_run_id, d.next_sequence LIMIT ?2"
);

const RENEW: &str = "
    UPDATE {prefix}plugin_deliveries SET due_at = ?2, due_written_at = ?3
    WHERE worker_id IS NOT NULL AND (workflow_run_id, plugin, letter, lease_epoch, next_sequence) IN
        (SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM jsonb_each(?1))
    RETURNING workflow_run_id, plugin, letter, lease_epoch, next_sequence";

/// A delivery without a flusher that is not due yet was refused.
const EXPEDITE: &str = "
    UPDATE {prefix}plugin_deliveries SET due_at = ?2, due_written_at = ?2
    WHERE plugin = ?1 AND dlq_at IS NULL AND due_at > ?2 AND worker_id IS NULL
    RETURNING workflow_run_id";

const RELEASE: &str = "
    UPDATE {prefix}plugin_deliveries SET due_at = ?2, due_written_at = ?2, worker_id = NULL
    WHERE worker_id IN (SELECT value FROM jsonb_each(?1)) AND worker_id IS NOT NULL
    RETURNING workflow_run_id";

const REPLAY: &str = "
    UPDATE {prefix}plugin_deliveries SET dlq_at = NULL, due_at = ?3, due_written_at = ?3, retry_count = 0
    WHERE (workflow_run_id, plugin, letter) IN (
        SELECT workflow_run_id, plugin, letter FROM {prefix}plugin_deliveries
        WHERE dlq_at IS NOT NULL AND (?1 IS NULL OR plugin = ?1)
        AND (?4 IS NULL OR workflow_run_id = ?4) AND (?5 IS NULL OR next_sequence = ?5)
        ORDER BY plugin, dlq_at, workflow_run_id, next_sequence LIMIT ?2)
    RETURNING workflow_run_id";

/// The statements of this file, for the test of their query plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    ANY_DELIVERIES,
    ADD_DELIVERIES,
    MARK_PUBLISHED,
    DUE,
    CLAIM,
    COMMITS,
    LOAD,
    UPSERT,
    DELETE,
    NEXT_DUE,
    DEAD_LETTERS,
    RENEW,
    EXPEDITE,
    RELEASE,
    REPLAY,
];

/// Passes new events on to all subscribers, and claims deliveries of one of them.
pub(super) fn claim(
    session: &Session,
    registered: &RegisteredClaim,
    now: DateTime<Utc>,
) -> Result<Vec<Delivery>, Failure> {
    const DOING: &str = "claim deliveries";

    let RegisteredClaim { claim: ask, event_types } = registered;
    let new = count(DeliveryClaim::NEW_COMMITS);
    session.execute(DOING, ADD_DELIVERIES, |arguments| {
        arguments.instant(now).int(new);
    })?;
    session.execute(DOING, MARK_PUBLISHED, |arguments| {
        arguments.instant(now).int(new);
    })?;

    // An array of texts always has a JSON form.
    let types = serde_json::to_string(event_types).unwrap_or_default();
    let due = session.fetch(DOING, DUE, |arguments| {
        arguments.text(&ask.subscription.subscriber).instant(now).int(count(ask.deliveries)).text(&types);
    })?;
    let mut claimed = due.iter().map(record).collect::<Result<Vec<_>, _>>()?;
    if claimed.is_empty() {
        return Ok(Vec::new());
    }
    let until = instant::after(now, ask.claim.lease);
    let (mut named, mut windows) = (JsonRows::default(), JsonRows::default());
    for row in &mut claimed {
        row.epoch += 1;
        named.push(|name| {
            name.run_id(row.run_id).text(&row.subscriber).int(row.letter);
        });
        windows.push(|window| {
            window.run_id(row.run_id).int(row.next).int(window_end(row, ask.window));
        });
    }
    session.execute(DOING, CLAIM, |arguments| {
        arguments.text(&named.finish()).instant(until).text(&ask.claim.worker_id).instant(now);
    })?;
    let commits = session.fetch(DOING, COMMITS, |arguments| {
        arguments.text(&windows.finish()).text(&types);
    })?;
    let deliveries = claimed.iter().map(|row| Delivery {
        lease: lease_of(row),
        events: Vec::new(),
        last_sequence: window_end(row, ask.window),
        attempts: row.attempts,
    });
    let mut deliveries: Vec<Delivery> = deliveries.collect();
    for row in &commits {
        let mut columns = Columns::new(row, "workflow_commits", 0);
        let number: usize = columns.int("key")?;
        if let Some(delivery) = deliveries.get_mut(number) {
            let window = delivery.lease.next..=delivery.last_sequence;
            delivery.events.extend(commit::events(&mut columns, |sequence, event_type| {
                window.contains(&sequence) && event_types.iter().any(|own| own == event_type)
            })?);
        }
    }
    Ok(deliveries)
}

/// Writes the outcomes of deliveries.
pub(super) fn settle_all(
    session: &Session,
    settlements: &[Settlement],
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    const DOING: &str = "settle deliveries";

    let mut named = JsonRows::default();
    for Settlement { lease, .. } in settlements {
        named.push(|row| {
            row.run_id(lease.run_id).text(&lease.subscriber).int(lease.letter);
        });
    }
    let rows = session.fetch(DOING, LOAD, |arguments| {
        arguments.text(&named.finish());
    })?;
    let (mut written, mut deleted) = (JsonRows::default(), JsonRows::default());
    for row in &rows {
        let row = record(row)?;
        let is_of_it = |settlement: &&Settlement| settlement.lease == lease_of(&row);
        let Some(settlement) = settlements.iter().find(is_of_it) else { continue };
        let lease = &settlement.lease;
        let Some(settled) = settle(row, settlement, now) else { continue };
        if settled.row.is_none() {
            deleted.push(|row| {
                row.run_id(lease.run_id).text(&lease.subscriber).int(lease.letter);
            });
        }
        for row in settled.row.iter().chain(&settled.letter) {
            written.push(|columns| {
                columns.run_id(row.run_id).text(&row.subscriber).int(row.letter).int(row.next).int(row.last);
                columns.int(row.epoch).int(row.attempts).instant(row.due_at);
                columns.maybe_text(row.error.as_deref()).maybe_instant(row.dead_at);
                columns.maybe_text(row.worker_id.as_deref());
            });
        }
    }
    session.write(DOING, DELETE, deleted)?;
    if written.is_empty() {
        return Ok(());
    }
    session.execute(DOING, UPSERT, |arguments| {
        arguments.text(&written.finish()).instant(now);
    })
}

/// Extends the leases that are still held, and returns the lost ones.
pub(super) fn renew(
    session: &Session,
    renewal: &RenewDeliveries,
    now: DateTime<Utc>,
) -> Result<Vec<DeliveryLease>, Failure> {
    let mut named = JsonRows::default();
    for lease in &renewal.leases {
        named.push(|row| {
            row.run_id(lease.run_id)
                .text(&lease.subscriber)
                .int(lease.letter)
                .int(lease.epoch)
                .int(lease.next);
        });
    }
    let until = instant::after(now, renewal.lease);
    let held = session.fetch("renew deliveries", RENEW, |arguments| {
        arguments.text(&named.finish()).instant(until).instant(now);
    })?;
    let held = held.iter().map(|row| {
        let mut columns = Columns::new(row, "workflow_plugin_deliveries", 0);
        Ok(DeliveryLease {
            run_id: columns.run_id()?,
            subscriber: columns.text("plugin")?,
            letter: columns.int("letter")?,
            epoch: columns.int("lease_epoch")?,
            next: columns.int("next_sequence")?,
        })
    });
    let held = held.collect::<Result<HashSet<_>, Failure>>()?;
    Ok(renewal.leases.iter().filter(|lease| !held.contains(lease)).cloned().collect())
}

/// Makes deliveries due now, and returns their runs.
pub(super) fn requeue(
    session: &Session,
    requeue: &Requeue,
    now: DateTime<Utc>,
) -> Result<Vec<RunId>, Failure> {
    let rows = match requeue {
        Requeue::DeadLetters { letters, limit } => {
            session.fetch("replay dead letters", REPLAY, |arguments| {
                arguments.maybe_text(letters.plugin.as_deref()).int(count(*limit)).instant(now);
                arguments
                    .maybe_uuid(letters.run_id.map(|run_id| *run_id.as_uuid()))
                    .maybe_int(letters.sequence);
            })
        }
        Requeue::Refused { subscriber } => session.fetch("expedite deliveries", EXPEDITE, |arguments| {
            arguments.text(subscriber).instant(now);
        }),
        Requeue::HeldBy { workers } => session.fetch("release deliveries", RELEASE, |arguments| {
            // An array of texts always has a JSON form.
            arguments.text(&serde_json::to_string(workers).unwrap_or_default()).instant(now);
        }),
    }?;
    let run_id = |row| Columns::new(row, "workflow_plugin_deliveries", 0).run_id();
    rows.iter().map(run_id).collect()
}

/// Reads a row of [`DEAD_LETTERS`].
pub(super) fn dead_letter(row: &SqliteRow) -> Result<DeadLetter, Failure> {
    let mut columns = Columns::new(row, "workflow_plugin_deliveries", 0);
    let (plugin, error) = (columns.text("plugin")?, columns.maybe_text("error_message")?);
    let (attempts, at) = (columns.int("retry_count")?, columns.instant("dlq_at")?);
    let number: u64 = columns.int("next_sequence")?;
    let event = commit::events(&mut columns, |sequence, _| sequence == number)?.pop();
    let event = event.ok_or_else(|| columns.unreadable("next_sequence", "the commit lacks this event"))?;
    Ok(DeadLetter { plugin, event, error: error.unwrap_or_default(), attempts, at })
}

fn record(row: &OwnedRow) -> Result<DeliveryRecord, Failure> {
    let mut columns = Columns::new(row, "workflow_plugin_deliveries", 0);
    Ok(DeliveryRecord {
        run_id: columns.run_id()?,
        subscriber: columns.text("plugin")?,
        letter: columns.int("letter")?,
        next: columns.int("next_sequence")?,
        last: columns.int("last_sequence")?,
        epoch: columns.int("lease_epoch")?,
        attempts: columns.int("retry_count")?,
        due_at: columns.instant("due_at")?,
        error: columns.maybe_text("error_message")?,
        dead_at: columns.maybe_instant("dlq_at")?,
        worker_id: columns.maybe_text("worker_id")?,
    })
}
