//! Statements of the user's, run as they are, with bound arguments.

use sqlx::encode::{Encode, IsNull};
use sqlx::error::BoxDynError;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgArgumentBuffer, PgTypeInfo};
use sqlx::{AssertSqlSafe, Postgres, SqlSafeStr, Type};

use super::arrays::PgQuery;
use super::failure::Failure;
use super::transaction::Transaction;
use crate::records::{SqlValue, Statement};
use crate::stores::working_set::UserStatements;
use crate::value::Json;

/// The engine's sessions keep the planner to indexes, which suits its own statements alone.
pub(super) const USUAL_PLANS: &str = "
    SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on; SET LOCAL enable_mergejoin = on;
    SET LOCAL enable_bitmapscan = on; SET LOCAL plan_cache_mode = auto";

/// Runs them in order. They are one decision's, which has this transaction to itself.
pub(super) async fn run(
    transaction: &mut Transaction<'_>,
    executed: &[UserStatements],
) -> Result<(), Failure> {
    if executed.is_empty() {
        return Ok(());
    }
    transaction.use_usual_plans().await?;
    for UserStatements { statements, .. } in executed {
        for (statement, number) in statements.iter().zip(1..) {
            transaction.execute_given(query(statement)).await.map_err(|error| {
                Failure::statement(format!("statement {number} of {}", statements.len()), error)
            })?;
        }
    }
    Ok(())
}

/// It is not kept prepared: a stage may give another text each time, and behind a pooler there is nowhere to keep it.
fn query(statement: &Statement) -> PgQuery<'static> {
    // It is the user's own text, which has been seen to be one statement; values are arguments.
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

/// `NULL` of whatever type its place asks for.
struct Untyped;

impl Type<Postgres> for Untyped {
    fn type_info() -> PgTypeInfo {
        // `unknown`, which has the server infer the type.
        PgTypeInfo::with_oid(Oid(705))
    }
}

impl Encode<'_, Postgres> for Untyped {
    fn encode_by_ref(&self, _: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        Ok(IsNull::Yes)
    }
}

/// A JSON text as `jsonb`.
struct Jsonb(Json);

impl Type<Postgres> for Jsonb {
    fn type_info() -> PgTypeInfo {
        PgTypeInfo::with_oid(Oid(3802))
    }
}

impl Encode<'_, Postgres> for Jsonb {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        // The version of the binary form, the only one so far, and the text.
        buffer.push(1);
        buffer.extend_from_slice(self.0.as_str().as_bytes());
        Ok(IsNull::No)
    }
}
