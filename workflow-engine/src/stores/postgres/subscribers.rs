//! The subscribers of events.
//!
//! A registration or removal excludes every statement that reads the table for its moment: it locks the table. See
//! `ports/outbox.rs` for why. A transaction holds up the lock until it ends, and the lock holds up all later commits
//! while it waits, so it waits only briefly, and is tried again.

use std::time::Duration;

use sqlx::postgres::PgRow;

use super::arrays::PgQuery;
use super::columns::Columns;
use super::database::Database;
use super::failure::Failure;
use super::text::stored;
use super::transaction::Transaction;
use crate::ports::{DeliveryStart, Registration};
use crate::records::SubscriberRecord;
use crate::stores::deliveries::sorted_types;
use crate::stores::delivery_requests::RegisterSubscriber;
use crate::stores::rows::ReadColumns;
use crate::telemetry::SubscriberBacklog;

/// How long a registration is tried while transactions that have read the table are in progress: somewhat longer than the default
/// limit of a transaction.
pub(super) const MAX_WAIT: Duration = Duration::from_secs(40);
/// The pause between two tries.
pub(super) const PAUSE: Duration = Duration::from_millis(250);

const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '100ms'";

const LOCK: &str = "LOCK TABLE {schema}.workflow_subscribers IN ACCESS EXCLUSIVE MODE";

/// Returns the types of a subscriber before the statement. The statement changes nothing else about a known one.
const PUT: &str = "
    WITH put AS (
        INSERT INTO {schema}.workflow_subscribers (name, event_types, is_ready, created_at)
        VALUES ($1, $2, $3, coalesce($4, statement_timestamp()))
        ON CONFLICT (name) DO UPDATE SET event_types = excluded.event_types
    )
    SELECT NULL::uuid, s.event_types, ARRAY[]::bigint[], ARRAY[]::timestamptz[]
    FROM {schema}.workflow_subscribers AS s WHERE s.name = $1";

/// Locks a subscriber that does not have its old events yet.
const LOCK_UNREADY: &str = "
    SELECT NULL::uuid, s.event_types, ARRAY[]::bigint[], ARRAY[]::timestamptz[]
    FROM {schema}.workflow_subscribers AS s WHERE s.name = $1 AND NOT s.is_ready FOR UPDATE";

/// The events that were passed on before the subscriber came; the others were, or still are, passed on to it as well.
const ADD_OLD_EVENTS: &str = "
    INSERT INTO {schema}.workflow_plugin_deliveries AS d
        (workflow_run_id, plugin, letter, next_sequence, last_sequence, lease_epoch, retry_count, due_at, due_written_at)
    SELECT c.workflow_run_id, $1, 0, min(c.sequence + t.number - 1), max(c.sequence + t.number - 1), 0, 0,
        coalesce($3, statement_timestamp()), coalesce($3, statement_timestamp())
    FROM {schema}.workflow_commits AS c
    CROSS JOIN LATERAL json_array_elements_text(c.event_types::json) WITH ORDINALITY AS t (event_type, number)
    WHERE c.published_at IS NOT NULL AND t.event_type = ANY($2)
    GROUP BY c.workflow_run_id ORDER BY c.workflow_run_id
    ON CONFLICT (workflow_run_id, plugin, letter) DO UPDATE
    SET next_sequence = least(d.next_sequence, excluded.next_sequence),
        last_sequence = greatest(d.last_sequence, excluded.last_sequence)";

const SET_READY: &str = "UPDATE {schema}.workflow_subscribers SET is_ready = TRUE WHERE name = $1";

const DELETE: &str = "
    DELETE FROM {schema}.workflow_subscribers AS s WHERE s.name = $1
    RETURNING NULL::uuid, ARRAY[s.name], ARRAY[]::bigint[], ARRAY[]::timestamptz[]";

const DELETE_DELIVERIES: &str = "DELETE FROM {schema}.workflow_plugin_deliveries WHERE plugin = $1";

const MARK_ALL_PUBLISHED: &str = "
    UPDATE {schema}.workflow_commits SET published_at = coalesce($1, statement_timestamp())
    WHERE published_at IS NULL AND NOT EXISTS (SELECT 1 FROM {schema}.workflow_subscribers)";

const SUBSCRIBERS: &str = "
    SELECT NULL::uuid, ARRAY[s.name] || s.event_types, ARRAY[s.is_ready::int]::bigint[], ARRAY[s.created_at]
    FROM {schema}.workflow_subscribers AS s ORDER BY s.name";

const BACKLOGS: &str = "
    SELECT NULL::uuid, ARRAY[s.name], ARRAY[
        (SELECT coalesce(sum(n), 0) FROM (
            SELECT d.last_sequence - d.next_sequence + 1 AS n FROM {schema}.workflow_plugin_deliveries AS d
            WHERE d.plugin = s.name AND d.dlq_at IS NULL LIMIT 10000) AS pending),
        (SELECT count(*) FROM (
            SELECT 1 FROM {schema}.workflow_plugin_deliveries AS d
            WHERE d.plugin = s.name AND d.dlq_at IS NOT NULL LIMIT 10000) AS dead)
    ]::bigint[], ARRAY[]::timestamptz[]
    FROM {schema}.workflow_subscribers AS s ORDER BY s.name";

/// Returns the statement that counts the deliveries of each subscriber.
pub(super) fn read_backlogs(database: &Database) -> PgQuery<'static> {
    database.query(BACKLOGS)
}

/// Reads a row of [`read_backlogs`].
pub(super) fn backlog(row: &PgRow) -> Result<SubscriberBacklog, Failure> {
    let mut columns = Columns::new(row, "workflow_subscribers")?;
    let name = columns.text("name")?;
    Ok(SubscriberBacklog::new(name, columns.int("undelivered_events")?, columns.int("dead_letters")?))
}

/// Returns the statement that reads the subscribers.
pub(super) fn read(database: &Database) -> PgQuery<'static> {
    database.query(SUBSCRIBERS)
}

/// Reads a row of [`read`], and whether the subscriber has its old events.
pub(super) fn subscriber(row: &PgRow) -> Result<(SubscriberRecord, bool), Failure> {
    let mut columns = Columns::new(row, "workflow_subscribers")?;
    let name = columns.text("name")?;
    let event_types = columns.texts();
    let is_ready = columns.int::<u8>("is_ready")? == 1;
    Ok((SubscriberRecord { name, event_types, created_at: columns.instant("created_at")? }, is_ready))
}

/// Returns the types of events in a row that has nothing else.
pub(super) fn event_types(row: &PgRow) -> Result<Vec<String>, Failure> {
    Ok(Columns::new(row, "workflow_subscribers")?.texts())
}

/// Registers a subscriber, or changes its types of events.
pub(super) async fn register(
    transaction: &mut Transaction,
    registration: &RegisterSubscriber,
) -> Result<Registration, Failure> {
    const ACTION: &str = "register a subscriber";

    let RegisterSubscriber { subscription, start } = registration;
    let types: Vec<String> = sorted_types(subscription).into_iter().map(str::to_owned).collect();
    lock(transaction, ACTION).await?;
    let query = transaction.query(PUT).bind(stored(&subscription.subscriber).into_owned());
    let query = query.bind(types.clone()).bind(*start == DeliveryStart::Now);
    let rows = transaction.fetch(ACTION, query.bind(transaction.database.test_now())).await?;
    let before = rows.first().map(event_types).transpose()?;
    Ok(match before {
        None => Registration::Added,
        Some(before) if before == types => Registration::Unchanged,
        Some(_) => Registration::Changed,
    })
}

/// Creates the deliveries for the events that were passed on before the subscriber came, unless it has them. Until then
/// nothing is claimed for the subscriber, so that it receives its events in order.
pub(super) async fn add_old_events(transaction: &mut Transaction, name: &str) -> Result<(), Failure> {
    const ACTION: &str = "pass old events on to a subscriber";

    let name = stored(name).into_owned();
    let query = transaction.query(LOCK_UNREADY).bind(name.clone());
    let rows = transaction.fetch(ACTION, query).await?;
    let Some(row) = rows.first() else { return Ok(()) };
    let query = transaction.query(ADD_OLD_EVENTS).bind(name.clone()).bind(event_types(row)?);
    transaction.execute(ACTION, query.bind(transaction.database.test_now())).await?;
    transaction.execute(ACTION, transaction.query(SET_READY).bind(name)).await
}

/// Deletes the deliveries of a subscriber that is about to be removed. The removal itself has only few left to delete
/// while it holds the lock.
pub(super) async fn prune(transaction: &mut Transaction, name: &str) -> Result<(), Failure> {
    let query = transaction.query(DELETE_DELIVERIES).bind(stored(name).into_owned());
    transaction.execute("remove a subscriber", query).await
}

/// Removes a subscriber with its deliveries.
pub(super) async fn remove(transaction: &mut Transaction, name: &str) -> Result<bool, Failure> {
    const ACTION: &str = "remove a subscriber";

    lock(transaction, ACTION).await?;
    let query = transaction.query(DELETE).bind(stored(name).into_owned());
    let removed = transaction.fetch(ACTION, query).await?;
    prune(transaction, name).await?;
    let query = transaction.query(MARK_ALL_PUBLISHED).bind(transaction.database.test_now());
    transaction.execute(ACTION, query).await?;
    Ok(!removed.is_empty())
}

/// Locks the table against its readers. A failure because others hold it counts as a conflict, which is retried.
async fn lock(transaction: &mut Transaction, action: &'static str) -> Result<(), Failure> {
    transaction.execute(action, transaction.query(LOCK_TIMEOUT)).await?;
    let locked = transaction.execute(action, transaction.query(LOCK)).await;
    locked.map_err(Failure::into_conflict_if_locked)
}
