//! The store on PostgreSQL as the outbox.

use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use uuid::Uuid;

use super::PostgresStore;
use super::arrays::number;
use super::columns::{self, event_row};
use super::text::stored;
use crate::error::Error;
use crate::id::RunId;
use crate::ports::Outbox;
use crate::records::{Claim, Event};

/// Takes or extends the flusher's lease and reads what it may deliver, in one statement. Where there is nothing to
/// deliver, the lease is not touched: an idle flusher writes nothing.
pub(super) const UNDELIVERED: &str = concat!(
    "WITH instant AS MATERIALIZED (SELECT coalesce($1, statement_timestamp()) AS now),
    lease AS (
        INSERT INTO {schema}.leases AS l (name, worker_id, leased_until)
        SELECT 'outbox', $2, least(i.now + $3 * interval '1 microsecond', '9999-12-31 23:59:59.999999+00')
        FROM instant AS i WHERE EXISTS (SELECT 1 FROM {schema}.outbox_events WHERE published_at IS NULL)
        ON CONFLICT (name) DO UPDATE SET worker_id = excluded.worker_id, leased_until = excluded.leased_until
        WHERE l.worker_id = excluded.worker_id OR l.leased_until <= (SELECT now FROM instant)
        RETURNING 1
    )
    SELECT ",
    event_row!(),
    " FROM {schema}.outbox_events AS e
    WHERE e.published_at IS NULL AND EXISTS (SELECT 1 FROM lease) AND NOT EXISTS (
        SELECT 1 FROM {schema}.outbox_events AS f
        WHERE f.workflow_run_id = e.workflow_run_id AND f.published_at IS NULL
            AND f.retry_at > coalesce($1, statement_timestamp())
    )
    ORDER BY e.workflow_run_id, e.sequence
    LIMIT $4"
);

pub(super) const MARK_DELIVERED: &str = "
    UPDATE {schema}.outbox_events AS e SET published_at = coalesce($3, statement_timestamp())
    FROM unnest($1, $2) AS n (run_id, sequence)
    WHERE e.workflow_run_id = n.run_id AND e.sequence = n.sequence AND e.published_at IS NULL";

pub(super) const MARK_REFUSED: &str = "
    UPDATE {schema}.outbox_events SET retry_count = retry_count + 1, retry_at = least(
        coalesce($3, statement_timestamp()) + $4 * interval '1 microsecond', '9999-12-31 23:59:59.999999+00')
    WHERE workflow_run_id = $1 AND sequence = $2 AND published_at IS NULL";

#[async_trait]
impl Outbox for PostgresStore {
    fn deliver_events(&self, deliver: bool) {
        self.database.deliver_events.store(deliver, Ordering::Relaxed);
    }

    async fn undelivered(&self, flusher: &Claim, limit: usize) -> Result<Vec<Event>, Error> {
        let (worker, lease) = (stored(&flusher.worker_id).into_owned(), length(flusher.lease));
        let limit = number(limit);
        let rows = self.read("read undelivered events", move |database| {
            let query = database.query(|sql| &sql.undelivered).bind(database.given_now());
            query.bind(worker.clone()).bind(lease).bind(limit)
        });
        Ok(rows.await?.iter().map(columns::event).collect::<Result<_, _>>()?)
    }

    async fn mark_delivered(&self, events: Vec<(RunId, u64)>) -> Result<(), Error> {
        if events.is_empty() {
            return Ok(());
        }
        let column = |(run_id, sequence): &(RunId, u64)| (*run_id.as_uuid(), number(*sequence));
        let (runs, sequences): (Vec<Uuid>, Vec<i64>) = events.iter().map(column).unzip();
        let marked = self.read("mark events as delivered", move |database| {
            let query = database.query(|sql| &sql.mark_delivered).bind(runs.clone());
            query.bind(sequences.clone()).bind(database.given_now())
        });
        marked.await?;
        Ok(())
    }

    async fn mark_refused(&self, run_id: RunId, sequence: u64, delay: Duration) -> Result<(), Error> {
        let (run, sequence, delay) = (*run_id.as_uuid(), number(sequence), length(delay));
        let marked = self.read("mark an event as refused", move |database| {
            let query = database.query(|sql| &sql.mark_refused).bind(run).bind(sequence);
            query.bind(database.given_now()).bind(delay)
        });
        marked.await?;
        Ok(())
    }
}

/// A duration in microseconds, which added to an instant ends within PostgreSQL's calendar.
pub(super) fn length(duration: Duration) -> i64 {
    /// More than the years that ours has left.
    const LONGEST: i64 = 9_000 * 366 * 86_400 * 1_000_000;

    number(duration.as_micros()).min(LONGEST)
}
