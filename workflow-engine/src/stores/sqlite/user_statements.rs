//! Runs the statements of the user as they are, with bound arguments.

use std::sync::atomic::Ordering;

use chrono::SecondsFormat;
use rusqlite::Connection;
use rusqlite::types::Value;

use super::failure::Failure;
use super::session::Session;
use crate::records::{SqlValue, Statement};
use crate::stores::refusal::Refusal;
use crate::stores::working_set::UserStatements;

/// Runs the statements in order. They belong to one decision, which has this transaction to itself.
pub(super) fn run(session: &Session, rows: &[UserStatements]) -> Result<(), Failure> {
    for UserStatements { statements, .. } in rows {
        for (statement, number) in statements.iter().zip(1..) {
            session.counters.statements.fetch_add(1, Ordering::Relaxed);
            let which = || format!("statement {number} of {}", statements.len());
            let changed = run_one(&session.connection, statement)
                .map_err(|error| Failure::statement(which(), error, Refusal::conflict(statement)))?;
            statement
                .check_rows(changed)
                .map_err(|unmet| Failure::unmet(which(), unmet, Refusal::unmet(statement)))?;
        }
    }
    Ok(())
}

/// Runs one statement. It is not cached as prepared, because a stage may give another text each time. The text has been
/// checked to be one statement, and its values are arguments. Rows that it returns are skipped. Returns how many rows it
/// has changed.
fn run_one(connection: &Connection, statement: &Statement) -> rusqlite::Result<u64> {
    let mut prepared = connection.prepare(statement.sql())?;
    let mut unnamed = 0;
    for place in 1..=prepared.parameter_count() {
        let number = match prepared.parameter_name(place) {
            None => {
                unnamed += 1;
                unnamed
            }
            Some(name) => number_of(name)?,
        };
        // SQLite reads a parameter without an argument as NULL.
        if let Some(argument) = number.checked_sub(1).and_then(|index| statement.arguments().get(index)) {
            prepared.raw_bind_parameter(place, value(argument))?;
        }
    }
    let is_readonly = prepared.readonly();
    let mut rows = prepared.raw_query();
    while rows.next()?.is_some() {}
    // A statement that writes nothing leaves the count of the one before it.
    Ok(if is_readonly { 0 } else { connection.changes() })
}

/// Returns the number of the argument that `?2` or `$2` names. To SQLite, `$2` is a name like any other.
fn number_of(name: &str) -> rusqlite::Result<usize> {
    let number = name.strip_prefix(['?', '$']).and_then(|number| number.parse().ok());
    number.ok_or_else(|| rusqlite::Error::InvalidParameterName(name.to_owned()))
}

fn value(argument: &SqlValue) -> Value {
    match argument.clone() {
        SqlValue::Null => Value::Null,
        SqlValue::Bool(value) => Value::Integer(value.into()),
        SqlValue::Int(value) => Value::Integer(value),
        SqlValue::Float(value) => Value::Real(value),
        SqlValue::Text(value) => Value::Text(value),
        SqlValue::Bytes(value) => Value::Blob(value),
        SqlValue::JsonText(value) => Value::Text(value.as_str().to_owned()),
        SqlValue::Uuid(value) => Value::Text(value.as_hyphenated().to_string()),
        // With a fixed width, so that instants sort as texts.
        SqlValue::Instant(value) => Value::Text(value.to_rfc3339_opts(SecondsFormat::Micros, true)),
    }
}
