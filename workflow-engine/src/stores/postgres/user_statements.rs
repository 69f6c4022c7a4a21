//! The user's statements, which run unchanged with bound arguments.

use sqlx::encode::{Encode, IsNull};
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo};
use sqlx::{AssertSqlSafe, Postgres, SqlSafeStr, Type};

use super::arrays::PgQuery;
use super::failure::Failure;
use super::transaction::Transaction;
use crate::records::{SqlValue, Statement};
use crate::stores::refusal::Refusal;
use crate::stores::working_set::UserStatements;
use crate::value::Json;

/// Runs the statements in order.
pub(super) async fn run_statements<'s>(
    transaction: &mut Transaction,
    statements: impl Iterator<Item = &'s [Statement]>,
) -> Result<(), Failure> {
    for statements in statements {
        for (statement, number) in statements.iter().zip(1..) {
            let which = || format!("statement {number} of {}", statements.len());
            let executed = transaction.execute_user_statement(query(statement)).await;
            let changed =
                executed.map_err(|error| Failure::statement(which(), error, Refusal::conflict(statement)))?;
            statement
                .check_rows(changed)
                .map_err(|unmet| Failure::unmet(which(), unmet, Refusal::unmet(statement)))?;
        }
    }
    Ok(())
}

/// Runs the statements of a transaction that has written the engine's rows.
pub(super) async fn run_last(
    transaction: &mut Transaction,
    executed: &[UserStatements],
) -> Result<(), Failure> {
    if executed.is_empty() {
        return Ok(());
    }
    transaction.begin_user_statements(transaction.database.transaction_timeout).await?;
    run_statements(transaction, executed.iter().map(|change| change.statements.as_slice())).await
}

/// The statement does not stay prepared: a stage may send a different text each time, and behind a pooler no session
/// belongs to the store.
fn query(statement: &Statement) -> PgQuery<'static> {
    // The text is the user's own and was checked to be one statement; values are bound as arguments.
    let sql = AssertSqlSafe(statement.sql().to_owned()).into_sql_str();
    statement.arguments().iter().cloned().fold(sqlx::query(sql).persistent(false), |query, argument| {
        match argument {
            SqlValue::Null => query.bind(Untyped),
            SqlValue::Bool(value) => query.bind(value),
            SqlValue::Int(value) => query.bind(value),
            SqlValue::Float(value) => query.bind(value),
            SqlValue::Text(value) => query.bind(value),
            SqlValue::Bytes(value) => query.bind(value),
            SqlValue::JsonText(value) => query.bind(Jsonb(value)),
            SqlValue::Uuid(value) => query.bind(value),
            SqlValue::Instant(value) => query.bind(value),
        }
    })
}

/// `NULL` of the type that its position requires.
struct Untyped;

impl Type<Postgres> for Untyped {
    fn type_info() -> PgTypeInfo {
        // The type `unknown`, for which the server infers the type.
        PgTypeInfo::with_oid(Oid(705))
    }
}

impl Encode<'_, Postgres> for Untyped {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(IsNull::Yes)
    }
}

/// A JSON text to be stored as `jsonb`.
struct Jsonb(Json);

impl Type<Postgres> for Jsonb {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(3802))
    }
}

impl Encode<'_, Postgres> for Jsonb {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        // The version of the binary format, of which there is only one so far, then the text.
        buffer.push(1);
        buffer.extend_from_slice(self.0.as_str().as_bytes());
        Ok(IsNull::No)
    }
}
