//! SQL statements that are committed with a stage.

use std::fmt;

use super::buffer::EffectBuffer;
use crate::context::stage_error::{StageError, StageResult};
use crate::records::{MAX_STATEMENTS, Statement};

/// The statements that are committed with a stage.
///
/// They run in the stage's own commit: after it is certain that the stage may still be committed, in the order in
/// which they were given, alone in their transaction. Either all of it is written, once, or nothing: a worker that has
/// lost its lease writes none of them. If one is refused, by a constraint for example, all of it is rolled back; the
/// attempt has failed, and its error names the stage, the statement and what the database says. The stage's retry
/// policy decides what follows, and the body runs again then. A run that fails by it has the code `STATEMENT_FAILED`.
///
/// They are data, and read nothing: what a stage needs to know it reads through a connection of its own. Statements
/// lock what they touch until the commit, which on SQLite is the whole file: keep them short. Foreign keys are enforced.
/// On PostgreSQL a name without a schema is looked up in the `search_path` of the role or the database of the store's
/// URL, in which the engine's own schema is not; name the schema, or set the path with `?options=-csearch_path%3Dmine`
/// in the URL or, behind a pooler, with `ALTER ROLE … SET search_path`. The engine's own tables are in reach, and
/// whoever writes to them breaks what it guarantees. A store in memory has no tables, and a stage with statements fails
/// there with the code `STATEMENTS_UNSUPPORTED`; a `TestEngine` notes them instead.
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
    pub(super) stage_id: &'a str,
    pub(super) buffer: &'a EffectBuffer,
}

impl StageTransaction<'_> {
    /// Adds a statement.
    ///
    /// # Errors
    /// Permanent, when it is no [`Statement`] that may be run: more than one, one that begins with another word (so
    /// `COMMIT`, `ROLLBACK` and `SAVEPOINT` are none), or with other arguments than it names; or when there are
    /// 1,000 already.
    pub fn execute(&self, statement: Statement) -> StageResult<&Self> {
        let mut effects = self.buffer.lock();
        let number = effects.statements.len() + 1;
        let refused = |reason: String| {
            let stage_id = self.stage_id;
            StageError::permanent(format_args!("statement {number} of stage `{stage_id}`: {reason}"))
        };
        if number > MAX_STATEMENTS {
            return Err(refused(format!("a stage has at most {MAX_STATEMENTS}")));
        }
        statement.check().map_err(refused)?;
        effects.statements.push(statement);
        drop(effects);
        Ok(self)
    }
}

impl fmt::Debug for StageTransaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StageTransaction").field("stage_id", &self.stage_id).finish_non_exhaustive()
    }
}
