//! SQL statements that are committed with a stage.

use std::fmt;

use super::buffer::EffectBuffer;
use crate::context::scope::StageScope;
use crate::context::stage_error::{StageError, StageResult};
use crate::records::{MAX_STATEMENTS, Statement};

/// The statements that are committed with a stage.
///
/// They run in the transaction that commits the stage, in the order in which they were added. The store verifies the
/// worker's lease before them, and at the commit. Either everything is committed, once, or nothing: a worker that has lost its lease writes
/// nothing. If a statement fails, for example on a constraint, the transaction is rolled back and the attempt fails; its
/// error names the stage, the statement and the database's message. The stage's retry policy applies, and the function
/// runs again. A run that fails for this reason has the code `STATEMENT_FAILED`, or `STATEMENT_CONFLICT` for a violated
/// constraint. [`Statement::expect_rows`] also fails the attempt where a statement changes another number of rows.
///
/// Statements only write. To read data, a stage uses its own connection. Statements hold locks until the commit, on
/// SQLite on the whole file: keep them short. Foreign keys are enforced.
///
/// On PostgreSQL, a table name without a schema is resolved by the `search_path` of the store URL's role or database,
/// which does not contain the engine's schema. Write the schema in the statement, or set the path: with
/// `?options=-csearch_path%3Dmine` in the URL or, behind a connection pooler, with `ALTER ROLE … SET search_path`.
///
/// Statements can reach the engine's own tables; do not write to them, because that breaks the engine's guarantees. The
/// in-memory store has no tables: a stage with statements fails there with the code `STATEMENTS_UNSUPPORTED`. A
/// `TestEngine` records the statements instead.
///
/// ```
/// use workflow_engine::Statement;
/// use workflow_engine::prelude::*;
///
/// #[stage]
/// async fn pay(account: String, cents: i64, ctx: &StageContext) -> StageResult<i64> {
///     ctx.transaction()
///         .execute(
///             Statement::new("UPDATE accounts SET cents = cents - $2 WHERE id = $1").bind(&account).bind(cents),
///         )?
///         .execute(
///             Statement::new("INSERT INTO payments (token, account, cents) VALUES ($1, $2, $3)")
///                 .bind(ctx.idempotency_token())
///                 .bind(&account)
///                 .bind(cents),
///         )?;
///     Ok(cents)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let ctx = StageContext::detached();
/// pay("ada".into(), 500, &ctx).await.unwrap();
/// assert_eq!(ctx.effects().statements.len(), 2);
/// # }
/// ```
pub struct StageTransaction<'a> {
    pub(super) scope: &'a StageScope,
    pub(super) buffer: &'a EffectBuffer,
}

impl StageTransaction<'_> {
    /// Adds a statement.
    ///
    /// # Errors
    /// Permanent, if the stage already has 1,000 statements, or if the [`Statement`] is invalid: it contains more than one
    /// statement, it begins with a word that does not write (`SELECT`, `COMMIT`, `ROLLBACK`, `SAVEPOINT`), or its
    /// arguments do not match its placeholders. Also permanent, if the attempt has ended.
    pub fn execute(&self, statement: Statement) -> StageResult<&Self> {
        let mut effects = self.buffer.open(self.scope, "a statement")?;
        let number = effects.statements.len() + 1;
        let invalid = |reason: String| {
            let stage = &self.scope.stage_key;
            StageError::permanent(format_args!("statement {number} of stage `{stage}`: {reason}"))
        };
        if number > MAX_STATEMENTS {
            return Err(invalid(format!("a stage has at most {MAX_STATEMENTS}")));
        }
        statement.check().map_err(invalid)?;
        effects.statements.push(statement);
        drop(effects);
        Ok(self)
    }
}

impl fmt::Debug for StageTransaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StageTransaction").field("stage", &self.scope.stage_key).finish_non_exhaustive()
    }
}
