//! Creates deliveries for new events, and claims, settles and replays deliveries.
//!
//! Deliveries have their own row locks and take none of a run: no decision about a run reads them.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::arrays::microseconds;
use super::arrays::{number, texts};
use super::column_arrays::ColumnArrays;
use super::columns::Columns;
use super::failure::Failure;
use super::text::stored;
use super::transaction::Transaction;
use crate::ports::{Delivery, DeliveryClaim, DeliveryLease, Settlement};
use crate::records::{DeadLetter, DeliveryRecord};
use crate::stores::deliveries::{lease_of, settle, window_end};
use crate::stores::delivery_requests::{RegisteredClaim, RenewDeliveries, Requeue};
use crate::stores::rows::{ReadColumns, RowList, WriteColumns, commit};
use crate::value::RunId;

/// The columns that [`record`] reads; the statement calls the table `d`.
macro_rules! delivery_row {
    () => {
        "d.workflow_run_id, ARRAY[d.plugin, d.error_message, d.worker_id], ARRAY[d.letter, d.next_sequence, d.last_sequence, \
         d.lease_epoch, d.retry_count], ARRAY[d.due_at, d.dlq_at, clock_timestamp()]"
    };
}

/// Checks whether there are new events or due deliveries: an idle flusher sends no other statement. Also reads for which
/// types of events the subscriber is registered, and whether it has its old events.
pub(super) const ANY: &str = "
    SELECT EXISTS (SELECT 1 FROM {schema}.workflow_commits WHERE published_at IS NULL)
        OR EXISTS (SELECT 1 FROM {schema}.workflow_plugin_deliveries AS d
            WHERE d.plugin = $1 AND d.dlq_at IS NULL AND d.due_at <= coalesce($2, statement_timestamp())),
        (SELECT s.event_types FROM {schema}.workflow_subscribers AS s WHERE s.name = $1),
        coalesce((SELECT s.is_ready FROM {schema}.workflow_subscribers AS s WHERE s.name = $1), TRUE)";

/// Creates or extends a delivery for every subscriber of each new event. Of two flushers that find the same commits, the
/// later one waits for the first commit's lock and continues with the remaining ones, so events stay in order.
const PUBLISH: &str = "
    WITH fresh AS MATERIALIZED (
        SELECT c.workflow_run_id, c.sequence, c.event_types FROM {schema}.workflow_commits AS c
        WHERE c.published_at IS NULL ORDER BY c.workflow_run_id, c.sequence LIMIT $1 FOR NO KEY UPDATE
    ),
    published AS (
        UPDATE {schema}.workflow_commits AS c SET published_at = coalesce($2, statement_timestamp())
        FROM fresh AS f WHERE c.workflow_run_id = f.workflow_run_id AND c.sequence = f.sequence
    )
    INSERT INTO {schema}.workflow_plugin_deliveries AS d
        (workflow_run_id, plugin, letter, next_sequence, last_sequence, lease_epoch, retry_count, due_at, due_written_at)
    SELECT f.workflow_run_id, s.name, 0, min(f.sequence + t.number - 1), max(f.sequence + t.number - 1), 0, 0,
        coalesce($2, statement_timestamp()), coalesce($2, statement_timestamp())
    FROM fresh AS f
    CROSS JOIN LATERAL json_array_elements_text(f.event_types::json) WITH ORDINALITY AS t (event_type, number)
    JOIN {schema}.workflow_subscribers AS s ON t.event_type = ANY(s.event_types)
    GROUP BY f.workflow_run_id, s.name ORDER BY f.workflow_run_id, s.name
    ON CONFLICT (workflow_run_id, plugin, letter) DO UPDATE
    SET last_sequence = greatest(d.last_sequence, excluded.last_sequence)";

const CLAIM: &str = concat!(
    "WITH due AS MATERIALIZED (
        SELECT d.workflow_run_id, d.plugin, d.letter, d.due_at FROM {schema}.workflow_plugin_deliveries AS d
        WHERE d.plugin = $1 AND d.dlq_at IS NULL AND d.due_at <= coalesce($2, statement_timestamp())
            AND EXISTS (
                SELECT 1 FROM {schema}.workflow_subscribers AS s
                WHERE s.name = $1 AND s.event_types = $6 AND s.is_ready)
        ORDER BY d.due_at, d.workflow_run_id, d.letter LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
    ), claimed AS (
        UPDATE {schema}.workflow_plugin_deliveries AS d
        SET lease_epoch = d.lease_epoch + 1, worker_id = $5, due_at = least(
            coalesce($2, statement_timestamp()) + $4 * interval '1 microsecond', '9999-12-31 23:59:59.999999+00'),
            due_written_at = coalesce($2, statement_timestamp())
        FROM due WHERE d.workflow_run_id = due.workflow_run_id AND d.plugin = due.plugin AND d.letter = due.letter
        RETURNING d.*, due.due_at AS was_due
    ) SELECT ",
    delivery_row!(),
    // `RETURNING` has no order: without this one, deliveries come in the order in which the planner joins.
    " FROM claimed AS d ORDER BY d.was_due, d.workflow_run_id, d.letter"
);

/// Reads the commits with events of windows; the first number of each row is the position of its window, from 1. A
/// window may begin inside of a commit.
const WINDOWS: &str = "
    WITH windows AS MATERIALIZED (
        SELECT n.run_id, n.last, n.number, (
            SELECT max(o.sequence) FROM {schema}.workflow_commits AS o
            WHERE o.workflow_run_id = n.run_id AND o.sequence <= n.first) AS first
        FROM unnest($1, $2, $3) WITH ORDINALITY AS n (run_id, first, last, number)
    )
    SELECT c.workflow_run_id, ARRAY[c.causation_id, c.event_types, c.events], ARRAY[n.number, c.sequence],
        ARRAY[c.occurred_at]
    FROM windows AS n
    JOIN {schema}.workflow_commits AS c ON c.workflow_run_id = n.run_id AND c.sequence BETWEEN n.first AND n.last
    WHERE EXISTS (
        SELECT 1 FROM json_array_elements_text(c.event_types::json) AS t (event_type) WHERE t.event_type = ANY($4))
    ORDER BY n.number, c.sequence";

/// Joins the subscribers, so that a removal waits for the whole transaction: it would not see a row that the transaction
/// adds.
const LOCK_NAMED: &str = concat!(
    "SELECT ",
    delivery_row!(),
    " FROM unnest($1, $2, $3) AS n (run_id, plugin, letter) JOIN {schema}.workflow_plugin_deliveries AS d
    ON d.workflow_run_id = n.run_id AND d.plugin = n.plugin AND d.letter = n.letter
    JOIN {schema}.workflow_subscribers AS s ON s.name = n.plugin
    ORDER BY d.workflow_run_id, d.plugin, d.letter FOR UPDATE OF d"
);

const DELETE: &str = "
    DELETE FROM {schema}.workflow_plugin_deliveries AS d USING unnest($1, $2, $3) AS n (run_id, plugin, letter)
    WHERE d.workflow_run_id = n.run_id AND d.plugin = n.plugin AND d.letter = n.letter";

const PUT: &str = "
    INSERT INTO {schema}.workflow_plugin_deliveries AS d
        (workflow_run_id, plugin, error_message, worker_id, letter, next_sequence, last_sequence, lease_epoch,
        retry_count, due_at, dlq_at, due_written_at)
    SELECT n.*, coalesce($12, clock_timestamp()) FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) AS n
    ON CONFLICT (workflow_run_id, plugin, letter) DO UPDATE
    SET error_message = excluded.error_message, worker_id = excluded.worker_id, next_sequence = excluded.next_sequence,
        last_sequence = excluded.last_sequence, lease_epoch = excluded.lease_epoch,
        retry_count = excluded.retry_count, due_at = excluded.due_at, dlq_at = excluded.dlq_at,
        due_written_at = CASE WHEN d.due_at = excluded.due_at THEN d.due_written_at ELSE excluded.due_written_at END";

/// Reads when the next delivery is due, and the database's time.
pub(super) const NEXT_DUE: &str = "
    SELECT NULL::uuid, ARRAY[]::text[], ARRAY[]::bigint[], ARRAY[d.due_at, statement_timestamp()]
    FROM {schema}.workflow_plugin_deliveries AS d WHERE d.plugin = $1 AND d.dlq_at IS NULL
        AND NOT EXISTS (SELECT 1 FROM {schema}.workflow_subscribers AS s WHERE s.name = $1 AND NOT s.is_ready)
    ORDER BY d.due_at LIMIT 1";

pub(super) const DEAD_LETTERS: &str = "
    SELECT c.workflow_run_id, ARRAY[c.causation_id, c.event_types, c.events, d.plugin, d.error_message],
        ARRAY[d.next_sequence, c.sequence, d.retry_count], ARRAY[c.occurred_at, d.dlq_at]
    FROM {schema}.workflow_plugin_deliveries AS d
    CROSS JOIN LATERAL (
        SELECT o.* FROM {schema}.workflow_commits AS o
        WHERE o.workflow_run_id = d.workflow_run_id AND o.sequence <= d.next_sequence
        ORDER BY o.sequence DESC LIMIT 1
    ) AS c
    WHERE d.dlq_at IS NOT NULL AND ($1::text IS NULL OR d.plugin = $1)
        AND (d.plugin, d.dlq_at, d.workflow_run_id, d.next_sequence) > ($3, $4, $5, $6)
    ORDER BY d.plugin, d.dlq_at, d.workflow_run_id, d.next_sequence LIMIT $2";

/// Locks in the order in which [`LOCK_NAMED`] does.
const RENEW: &str = "
    WITH held AS MATERIALIZED (
        SELECT d.workflow_run_id, d.plugin, d.letter
        FROM unnest($1, $2, $3, $4, $5) AS n (run_id, plugin, letter, epoch, next)
        JOIN {schema}.workflow_plugin_deliveries AS d
        ON d.workflow_run_id = n.run_id AND d.plugin = n.plugin AND d.letter = n.letter
        WHERE d.lease_epoch = n.epoch AND d.next_sequence = n.next AND d.worker_id IS NOT NULL
        ORDER BY d.workflow_run_id, d.plugin, d.letter FOR NO KEY UPDATE OF d
    )
    UPDATE {schema}.workflow_plugin_deliveries AS d SET due_at = least(
        coalesce($7, statement_timestamp()) + $6 * interval '1 microsecond', '9999-12-31 23:59:59.999999+00'),
        due_written_at = coalesce($7, statement_timestamp())
    FROM held WHERE d.workflow_run_id = held.workflow_run_id AND d.plugin = held.plugin AND d.letter = held.letter
    RETURNING d.workflow_run_id, ARRAY[d.plugin], ARRAY[d.letter, d.lease_epoch, d.next_sequence],
        ARRAY[]::timestamptz[]";

/// A delivery without a flusher that is not due yet was refused.
const EXPEDITE: &str = "
    WITH refused AS MATERIALIZED (
        SELECT d.workflow_run_id, d.plugin, d.letter FROM {schema}.workflow_plugin_deliveries AS d
        WHERE d.plugin = $1 AND d.dlq_at IS NULL AND d.due_at > coalesce($2, statement_timestamp())
            AND d.worker_id IS NULL
        ORDER BY d.workflow_run_id, d.plugin, d.letter FOR NO KEY UPDATE SKIP LOCKED
    )
    UPDATE {schema}.workflow_plugin_deliveries AS d
    SET due_at = coalesce($2, statement_timestamp()), due_written_at = coalesce($2, statement_timestamp())
    FROM refused AS n WHERE d.workflow_run_id = n.workflow_run_id AND d.plugin = n.plugin AND d.letter = n.letter
    RETURNING d.workflow_run_id, ARRAY[]::text[], ARRAY[]::bigint[], ARRAY[]::timestamptz[]";

const RELEASE: &str = "
    WITH held AS MATERIALIZED (
        SELECT d.workflow_run_id, d.plugin, d.letter FROM {schema}.workflow_plugin_deliveries AS d
        WHERE d.worker_id = ANY($1) AND d.worker_id IS NOT NULL
        ORDER BY d.workflow_run_id, d.plugin, d.letter FOR NO KEY UPDATE
    )
    UPDATE {schema}.workflow_plugin_deliveries AS d
    SET due_at = coalesce($2, statement_timestamp()), due_written_at = coalesce($2, statement_timestamp()), worker_id = NULL
    FROM held AS n WHERE d.workflow_run_id = n.workflow_run_id AND d.plugin = n.plugin AND d.letter = n.letter
    RETURNING d.workflow_run_id, ARRAY[]::text[], ARRAY[]::bigint[], ARRAY[]::timestamptz[]";

const REPLAY: &str = "
    WITH dead AS MATERIALIZED (
        SELECT d.workflow_run_id, d.plugin, d.letter FROM {schema}.workflow_plugin_deliveries AS d
        WHERE d.dlq_at IS NOT NULL AND ($1::text IS NULL OR d.plugin = $1)
            AND ($3::uuid IS NULL OR d.workflow_run_id = $3) AND ($4::bigint IS NULL OR d.next_sequence = $4)
        ORDER BY d.plugin, d.dlq_at, d.workflow_run_id, d.next_sequence LIMIT $2 FOR NO KEY UPDATE
    )
    UPDATE {schema}.workflow_plugin_deliveries AS d
    SET dlq_at = NULL, retry_count = 0, due_at = coalesce($5, statement_timestamp()),
        due_written_at = coalesce($5, statement_timestamp())
    FROM dead WHERE d.workflow_run_id = dead.workflow_run_id AND d.plugin = dead.plugin AND d.letter = dead.letter
    RETURNING d.workflow_run_id, ARRAY[]::text[], ARRAY[]::bigint[], ARRAY[]::timestamptz[]";

/// Creates deliveries for new events, and claims those of one subscriber.
pub(super) async fn claim(
    transaction: &mut Transaction,
    registered: &RegisteredClaim,
) -> Result<Vec<Delivery>, Failure> {
    const ACTION: &str = "claim deliveries";

    let RegisteredClaim { claim, event_types } = registered;
    let now = transaction.database.test_now();
    let query = transaction.query(PUBLISH).bind(number(DeliveryClaim::NEW_COMMITS)).bind(now);
    transaction.execute(ACTION, query).await?;

    let query = transaction.query(CLAIM).bind(stored(&claim.subscription.subscriber).into_owned());
    let query = query.bind(now).bind(number(claim.deliveries)).bind(microseconds(claim.claim.lease));
    let query = query.bind(stored(&claim.claim.worker_id).into_owned()).bind(event_types.clone());
    let claimed = transaction.fetch(ACTION, query).await?;
    let claimed = claimed.iter().map(|row| record(row).map(|(row, _)| row)).collect::<Result<Vec<_>, _>>()?;
    if claimed.is_empty() {
        return Ok(Vec::new());
    }
    let runs: Vec<Uuid> = claimed.iter().map(|row| *row.run_id.as_uuid()).collect();
    let first: Vec<i64> = claimed.iter().map(|row| number(row.next)).collect();
    let last: Vec<i64> = claimed.iter().map(|row| number(window_end(row, claim.window))).collect();
    let query = transaction.query(WINDOWS).bind(runs).bind(first).bind(last);
    let commits = transaction.fetch(ACTION, query.bind(event_types.clone())).await?;
    let delivery = |row: &DeliveryRecord| Delivery {
        lease: lease_of(row),
        events: Vec::new(),
        last_sequence: window_end(row, claim.window),
        attempts: row.attempts,
    };
    let mut deliveries: Vec<Delivery> = claimed.iter().map(delivery).collect();
    for row in &commits {
        let mut columns = Columns::new(row, "workflow_commits")?;
        let number: usize = columns.int("number")?;
        if let Some(delivery) = deliveries.get_mut(number.wrapping_sub(1)) {
            let window = delivery.lease.next..=delivery.last_sequence;
            delivery.events.extend(commit::events(&mut columns, |sequence, event_type| {
                window.contains(&sequence) && event_types.iter().any(|own| own == event_type)
            })?);
        }
    }
    Ok(deliveries)
}

/// Records the outcomes of deliveries.
pub(super) async fn settle_all(
    transaction: &mut Transaction,
    settlements: &[Settlement],
) -> Result<(), Failure> {
    const ACTION: &str = "settle deliveries";

    let mut named = ColumnArrays::default();
    for settlement in settlements {
        push_lease(&mut named, &settlement.lease);
    }
    let rows = transaction.fetch(ACTION, named.bind(transaction.query(LOCK_NAMED))).await?;
    let mut settled = Vec::with_capacity(rows.len());
    for row in &rows {
        let (row, now) = record(row)?;
        let has_lease = |settlement: &&Settlement| settlement.lease == lease_of(&row);
        let Some(settlement) = settlements.iter().find(has_lease) else { continue };
        let after = settle(row, settlement, transaction.database.now(now));
        settled.extend(after.map(|after| (&settlement.lease, after)));
    }
    let (mut deleted, mut written) = (ColumnArrays::default(), ColumnArrays::default());
    for (lease, after) in &settled {
        if after.row.is_none() {
            push_lease(&mut deleted, lease);
        }
        for row in after.row.iter().chain(&after.letter) {
            written.push(|columns| {
                columns
                    .run_id(row.run_id)
                    .text(&row.subscriber)
                    .maybe_text(row.error.as_deref())
                    .maybe_text(row.worker_id.as_deref())
                    .int(row.letter)
                    .int(row.next)
                    .int(row.last)
                    .int(row.epoch)
                    .int(row.attempts)
                    .instant(row.due_at)
                    .maybe_instant(row.dead_at);
            });
        }
    }
    if !deleted.is_empty() {
        transaction.execute(ACTION, deleted.bind(transaction.query(DELETE))).await?;
    }
    if written.is_empty() {
        return Ok(());
    }
    let query = written.bind(transaction.query(PUT)).bind(transaction.database.test_now());
    transaction.execute(ACTION, query).await
}

fn push_lease(rows: &mut ColumnArrays, lease: &DeliveryLease) {
    rows.push(|row| _ = row.run_id(lease.run_id).text(&lease.subscriber).int(lease.letter));
}

/// Extends the leases that are still held; returns the lost ones.
pub(super) async fn renew(
    transaction: &mut Transaction,
    renewal: &RenewDeliveries,
) -> Result<Vec<DeliveryLease>, Failure> {
    let mut named = ColumnArrays::default();
    for lease in &renewal.leases {
        named.push(|row| {
            row.run_id(lease.run_id)
                .text(&lease.subscriber)
                .int(lease.letter)
                .int(lease.epoch)
                .int(lease.next);
        });
    }
    let query = named.bind(transaction.query(RENEW)).bind(microseconds(renewal.lease));
    let rows = transaction.fetch("renew deliveries", query.bind(transaction.database.test_now())).await?;
    let held = rows.iter().map(|row| {
        let mut columns = Columns::new(row, "workflow_plugin_deliveries")?;
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

/// Makes deliveries due now; returns their runs.
pub(super) async fn requeue(transaction: &mut Transaction, requeue: &Requeue) -> Result<Vec<RunId>, Failure> {
    let (action, query) = match requeue {
        Requeue::DeadLetters { letters, limit } => {
            let subscriber = letters.plugin.as_deref().map(|subscriber| stored(subscriber).into_owned());
            let query = transaction.query(REPLAY).bind(subscriber).bind(number(*limit));
            let run_id = letters.run_id.map(|run_id| *run_id.as_uuid());
            ("replay dead letters", query.bind(run_id).bind(letters.sequence.map(number)))
        }
        Requeue::Refused { subscriber } => {
            ("expedite deliveries", transaction.query(EXPEDITE).bind(stored(subscriber).into_owned()))
        }
        Requeue::HeldBy { workers } => {
            ("release deliveries", transaction.query(RELEASE).bind(texts(workers)))
        }
    };
    let rows = transaction.fetch(action, query.bind(transaction.database.test_now())).await?;
    rows.iter().map(|row| Columns::new(row, "workflow_plugin_deliveries")?.run_id()).collect()
}

/// Reads a row of [`DEAD_LETTERS`].
pub(super) fn dead_letter(row: &PgRow) -> Result<DeadLetter, Failure> {
    let mut columns = Columns::new(row, "workflow_plugin_deliveries")?;
    let number: u64 = columns.int("next_sequence")?;
    let event = commit::events(&mut columns, |sequence, _| sequence == number)?.pop();
    Ok(DeadLetter {
        plugin: columns.text("plugin")?,
        event: event.ok_or_else(|| columns.unreadable("next_sequence", "the commit lacks this event"))?,
        error: columns.maybe_text("error_message")?.unwrap_or_default(),
        attempts: columns.int("retry_count")?,
        at: columns.instant("dlq_at")?,
    })
}

/// Reads a delivery, and the database's time.
fn record(row: &PgRow) -> Result<(DeliveryRecord, DateTime<Utc>), Failure> {
    let mut columns = Columns::new(row, "workflow_plugin_deliveries")?;
    let record = DeliveryRecord {
        run_id: columns.run_id()?,
        subscriber: columns.text("plugin")?,
        error: columns.maybe_text("error_message")?,
        worker_id: columns.maybe_text("worker_id")?,
        letter: columns.int("letter")?,
        next: columns.int("next_sequence")?,
        last: columns.int("last_sequence")?,
        epoch: columns.int("lease_epoch")?,
        attempts: columns.int("retry_count")?,
        due_at: columns.instant("due_at")?,
        dead_at: columns.maybe_instant("dlq_at")?,
    };
    Ok((record, columns.instant("now")?))
}
