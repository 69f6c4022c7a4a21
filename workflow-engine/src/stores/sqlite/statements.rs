//! Statements of the user's, run as they are, with bound arguments.

use chrono::SecondsFormat;
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments};
use sqlx::{AssertSqlSafe, SqlSafeStr};

use super::failure::Failure;
use super::session::Session;
use crate::language::{SqlValue, Statement};
use crate::stores::working_set::Executed;

/// Runs them in order. They are one decision's, which has this transaction to itself.
pub(super) async fn run(session: &mut Session, executed: &[Executed]) -> Result<(), Failure> {
    for Executed { statements, .. } in executed {
        for (statement, number) in statements.iter().zip(1..) {
            session.execute_given(query(statement)).await.map_err(|error| {
                Failure::statement(format!("statement {number} of {}", statements.len()), error)
            })?;
        }
    }
    Ok(())
}

/// It is not kept prepared: a stage may give another text each time.
fn query(statement: &Statement) -> Query<'static, Sqlite, SqliteArguments> {
    // It is the user's own text, which has been seen to be one statement; values are arguments.
    let sql = AssertSqlSafe(statement.sql().to_owned()).into_sql_str();
    statement.arguments().iter().cloned().fold(sqlx::query(sql).persistent(false), |query, argument| {
        match argument {
            SqlValue::Null => query.bind(None::<String>),
            SqlValue::Bool(value) => query.bind(value),
            SqlValue::Int(value) => query.bind(value),
            SqlValue::Float(value) => query.bind(value),
            SqlValue::Text(value) => query.bind(value),
            SqlValue::Bytes(value) => query.bind(value),
            SqlValue::JsonText(value) => query.bind(value.as_str().to_owned()),
            SqlValue::Uuid(value) => query.bind(value.as_hyphenated().to_string()),
            // Always as wide, so that instants sort like texts.
            SqlValue::Instant(value) => query.bind(value.to_rfc3339_opts(SecondsFormat::Micros, true)),
        }
    })
}
