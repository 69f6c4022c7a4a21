//! The statements of the subscribers of events.

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteRow;

use super::columns::Columns;
use super::failure::Failure;
use super::session::Session;
use crate::ports::{DeliveryStart, Registration};
use crate::records::SubscriberRecord;
use crate::stores::deliveries::sorted_types;
use crate::stores::delivery_requests::RegisterSubscriber;
use crate::stores::rows::{ReadColumns, WriteColumns};
use crate::telemetry::SubscriberBacklog;

const REGISTERED_TYPES: &str = "SELECT event_types FROM {prefix}subscribers WHERE name = ?1";

const PUT: &str = "
    INSERT INTO {prefix}subscribers (name, event_types, created_at) VALUES (?1, ?2, ?3)
    ON CONFLICT (name) DO UPDATE SET event_types = excluded.event_types";

/// The events that were passed on before the subscriber came. The others are still passed on to it.
const ADD_OLD_EVENTS: &str = "
    INSERT INTO {prefix}plugin_deliveries
        (workflow_run_id, plugin, letter, next_sequence, last_sequence, lease_epoch, retry_count, due_at, due_written_at)
    SELECT c.workflow_run_id, ?1, 0, min(c.sequence + t.key), max(c.sequence + t.key), 0, 0, ?3, ?3
    FROM {prefix}commits AS c CROSS JOIN json_each(c.event_types) AS t
    WHERE c.published_at IS NOT NULL AND t.value IN (SELECT value FROM jsonb_each(?2))
    GROUP BY c.workflow_run_id";

const DELETE: &str = "DELETE FROM {prefix}subscribers WHERE name = ?1 RETURNING name";

/// Two statements, one for each partial index.
const DELETE_DELIVERIES: [&str; 2] = [
    "DELETE FROM {prefix}plugin_deliveries WHERE plugin = ?1 AND dlq_at IS NULL",
    "DELETE FROM {prefix}plugin_deliveries WHERE plugin = ?1 AND dlq_at IS NOT NULL",
];

const MARK_ALL_PUBLISHED: &str = "
    UPDATE {prefix}commits SET published_at = ?1
    WHERE published_at IS NULL AND NOT EXISTS (SELECT 1 FROM {prefix}subscribers)";

pub(super) const SUBSCRIBERS: &str =
    "SELECT name, event_types, created_at FROM {prefix}subscribers ORDER BY name";

pub(super) const BACKLOGS: &str = "
    SELECT s.name,
        (SELECT coalesce(sum(n), 0) FROM (
            SELECT d.last_sequence - d.next_sequence + 1 AS n FROM {prefix}plugin_deliveries AS d
            WHERE d.plugin = s.name AND d.dlq_at IS NULL LIMIT 10000)),
        (SELECT count(*) FROM (
            SELECT 1 FROM {prefix}plugin_deliveries AS d
            WHERE d.plugin = s.name AND d.dlq_at IS NOT NULL LIMIT 10000))
    FROM {prefix}subscribers AS s ORDER BY s.name";

/// The statements of this file, for the test of their query plans. [`ADD_OLD_EVENTS`] reads every commit, because that is
/// its task.
#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[
    REGISTERED_TYPES,
    PUT,
    DELETE,
    DELETE_DELIVERIES[0],
    DELETE_DELIVERIES[1],
    MARK_ALL_PUBLISHED,
    SUBSCRIBERS,
    BACKLOGS,
];

/// Returns the stored form of the types of a subscription.
pub(super) fn stored_types(types: &[&'static str]) -> String {
    // An array of texts always has a JSON form.
    serde_json::to_string(types).unwrap_or_default()
}

/// Registers a subscriber, or changes its types of events.
pub(super) fn register(
    session: &Session,
    registration: &RegisterSubscriber,
    now: DateTime<Utc>,
) -> Result<Registration, Failure> {
    const DOING: &str = "register a subscriber";

    let RegisterSubscriber { subscription, start } = registration;
    let types = stored_types(&sorted_types(subscription));
    let rows = session.fetch(DOING, REGISTERED_TYPES, |arguments| {
        arguments.text(&subscription.subscriber);
    })?;
    let registered = rows.first().map(|row| Columns::new(row, "workflow_subscribers", 0).text("event_types"));
    let registered: Option<String> = registered.transpose()?;
    if registered.as_ref() == Some(&types) {
        return Ok(Registration::Unchanged);
    }
    session.execute(DOING, PUT, |arguments| {
        arguments.text(&subscription.subscriber).text(&types).instant(now);
    })?;
    if registered.is_some() {
        return Ok(Registration::Changed);
    }
    if *start == DeliveryStart::Oldest {
        session.execute(DOING, ADD_OLD_EVENTS, |arguments| {
            arguments.text(&subscription.subscriber).text(&types).instant(now);
        })?;
    }
    Ok(Registration::Added)
}

/// Removes a subscriber with its deliveries.
pub(super) fn remove(session: &Session, name: &str, now: DateTime<Utc>) -> Result<bool, Failure> {
    const DOING: &str = "remove a subscriber";

    let removed = session.fetch(DOING, DELETE, |arguments| {
        arguments.text(name);
    })?;
    for delete in DELETE_DELIVERIES {
        session.execute(DOING, delete, |arguments| {
            arguments.text(name);
        })?;
    }
    session.execute(DOING, MARK_ALL_PUBLISHED, |arguments| {
        arguments.instant(now);
    })?;
    Ok(!removed.is_empty())
}

/// Reads a row of [`SUBSCRIBERS`].
pub(super) fn subscriber(row: &SqliteRow) -> Result<SubscriberRecord, Failure> {
    let mut columns = Columns::new(row, "workflow_subscribers", 0);
    let (name, types) = (columns.text("name")?, columns.text("event_types")?);
    let created_at = columns.instant("created_at")?;
    let event_types = types_of(&name, &types)?;
    Ok(SubscriberRecord { name, event_types, created_at })
}

/// Reads a row of [`BACKLOGS`].
pub(super) fn backlog(row: &SqliteRow) -> Result<SubscriberBacklog, Failure> {
    let mut columns = Columns::new(row, "workflow_subscribers", 0);
    let name = columns.text("name")?;
    Ok(SubscriberBacklog::new(name, columns.int("undelivered_events")?, columns.int("dead_letters")?))
}

/// Reads stored types of events.
pub(super) fn types_of(name: &str, types: &str) -> Result<Vec<String>, Failure> {
    serde_json::from_str(types)
        .map_err(|error| Failure::lasting("read a subscriber", SubscriberUnreadable(name.to_owned(), error)))
}

/// A row with types of events that are not a JSON array of texts.
#[derive(Debug, thiserror::Error)]
#[error("the event types of subscriber `{0}`: {1}")]
struct SubscriberUnreadable(String, serde_json::Error);
