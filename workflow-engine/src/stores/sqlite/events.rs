//! The outbox's statements.

use chrono::{DateTime, Utc};

use super::columns::{self, Columns, event_columns};
use super::failure::Failure;
use super::json_rows::JsonRows;
use super::session::Session;
use super::work::{Refused, Undelivered};
use crate::id::RunId;
use crate::records::Event;
use crate::stores::instant;

/// Whether there is anything to deliver at all; asked without a transaction.
pub(super) const ANY_UNDELIVERED: &str =
    "SELECT EXISTS (SELECT 1 FROM outbox_events WHERE published_at IS NULL)";

const TAKE_LEASE: &str = "
    INSERT INTO leases (name, worker_id, leased_until) VALUES ('outbox', ?1, ?2)
    ON CONFLICT (name) DO UPDATE SET worker_id = excluded.worker_id, leased_until = excluded.leased_until
    WHERE worker_id = excluded.worker_id OR leased_until <= ?3
    RETURNING name";

const UNDELIVERED: &str = concat!(
    "SELECT ",
    event_columns!(),
    " FROM outbox_events
    WHERE published_at IS NULL AND workflow_run_id NOT IN
        (SELECT workflow_run_id FROM outbox_events WHERE published_at IS NULL AND retry_at > ?1)
    ORDER BY workflow_run_id, sequence
    LIMIT ?2"
);

const MARK_DELIVERED: &str = "
    UPDATE outbox_events SET published_at = ?2
    FROM jsonb_each(?1) AS n
    WHERE workflow_run_id = n.value ->> 0 AND sequence = n.value ->> 1 AND published_at IS NULL";

const MARK_REFUSED: &str = "
    UPDATE outbox_events SET retry_at = ?3, retry_count = retry_count + 1
    WHERE workflow_run_id = ?1 AND sequence = ?2 AND published_at IS NULL";

/// The statements of this file, for the test that looks at their plans.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] =
    &[ANY_UNDELIVERED, TAKE_LEASE, UNDELIVERED, MARK_DELIVERED, MARK_REFUSED];

/// Takes or extends the flusher's lease and reads what it may deliver.
pub(super) async fn undelivered(
    session: &mut Session,
    ask: &Undelivered,
    now: DateTime<Utc>,
) -> Result<Vec<Event>, Failure> {
    const DOING: &str = "read undelivered events";

    let Undelivered { flusher, limit } = ask;
    let until = instant::after(now, flusher.lease);
    let lease = sqlx::query(TAKE_LEASE)
        .bind(flusher.worker_id.clone())
        .bind(until.timestamp_micros())
        .bind(now.timestamp_micros());
    if session.fetch(DOING, lease).await?.is_empty() {
        return Ok(Vec::new());
    }
    let limit = i64::try_from(*limit).unwrap_or(i64::MAX);
    let query = sqlx::query(UNDELIVERED).bind(now.timestamp_micros()).bind(limit);
    let found = session.fetch(DOING, query).await?;
    found.iter().map(|row| columns::event(Columns::new(row, "outbox_events", 0))).collect()
}

/// Notes that events were delivered.
pub(super) async fn mark_delivered(
    session: &mut Session,
    events: &[(RunId, u64)],
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let mut delivered = JsonRows::default();
    for (run_id, sequence) in events {
        delivered.push(|row| {
            row.plain(run_id).int(*sequence);
        });
    }
    let query = sqlx::query(MARK_DELIVERED).bind(delivered.finish()).bind(now.timestamp_micros());
    session.execute("mark events as delivered", query).await
}

/// Notes that an event was refused.
pub(super) async fn mark_refused(
    session: &mut Session,
    refused: &Refused,
    now: DateTime<Utc>,
) -> Result<(), Failure> {
    let until = instant::after(now, refused.delay);
    let query = sqlx::query(MARK_REFUSED)
        .bind(refused.run_id.to_string())
        .bind(i64::try_from(refused.sequence).unwrap_or(i64::MAX))
        .bind(until.timestamp_micros());
    session.execute("mark an event as refused", query).await
}
