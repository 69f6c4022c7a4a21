//! How a stage asks for effects through its context.

use std::fmt;

use serde::Serialize;

use crate::context::effects::{EffectBuffer, Effects, StageStorage, check_name};
use crate::context::stage_context::StageContext;
use crate::context::stage_error::{StageError, StageResult};
use crate::records::{Annotation, MAX_STATEMENTS, Statement};

impl<S> StageContext<S> {
    /// Notes something about the run, committed with the stage's outcome: once, whatever the number of attempts.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    /// use workflow_engine::AnnotationKey;
    ///
    /// const CONFIDENCE: AnnotationKey<f64> = AnnotationKey::new("model.confidence");
    ///
    /// #[stage]
    /// async fn classify(text: String, ctx: &StageContext) -> StageResult<bool> {
    ///     ctx.annotate(CONFIDENCE.value(&0.93).actor("model-7"))?;
    ///     Ok(text.contains("invoice"))
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let ctx = StageContext::detached();
    /// classify("an invoice".into(), &ctx).await.unwrap();
    /// assert_eq!(ctx.effects().annotations[0].attributes["model.confidence"].as_str(), "0.93");
    /// # }
    /// ```
    ///
    /// # Errors
    /// Permanent, when it cannot be stored.
    pub fn annotate(&self, annotation: Annotation) -> StageResult<()> {
        annotation.check().map_err(|reason| {
            StageError::permanent(format_args!("an annotation of stage `{}`: {reason}", self.stage_id()))
        })?;
        self.buffer().lock().annotations.push(annotation);
        Ok(())
    }

    /// Statements on tables of your own, in the database that the runs are stored in. They are committed with the
    /// stage's outcome, exactly once.
    #[must_use]
    pub fn transaction(&self) -> StageTransaction<'_> {
        StageTransaction { stage_id: self.stage_id(), buffer: self.buffer() }
    }

    /// The stage's artifacts.
    #[must_use]
    pub fn storage(&self) -> StageStorage<'_> {
        StageStorage { stage_id: self.stage_id(), buffer: self.buffer(), source: self.artifact_source() }
    }

    /// Keeps anything that serde writes as an artifact of the stage: [`StageStorage::put`].
    ///
    /// # Errors
    /// As there.
    pub fn put_artifact(&self, key: impl Into<String>, value: &(impl Serialize + ?Sized)) -> StageResult<()> {
        self.storage().put(key, value)
    }

    /// Measures something: a number that is kept with the stage, committed with its outcome. The same name again
    /// replaces it; a rerun begins without any.
    ///
    /// # Errors
    /// Permanent, when the name has not 1 to 255 bytes, or control characters, or the value is no finite number.
    pub fn record_metric(&self, name: impl Into<String>, value: f64) -> StageResult<()> {
        let name = name.into();
        check_name("a metric", &name)?;
        if !value.is_finite() {
            return Err(StageError::permanent(format_args!("metric `{name}` is no finite number: {value}")));
        }
        self.buffer().lock().metrics.insert(name, value);
        Ok(())
    }

    /// What this attempt has asked for so far: for unit tests of a stage's function.
    #[must_use]
    pub fn effects(&self) -> Effects {
        self.buffer().lock().clone()
    }
}

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
    stage_id: &'a str,
    buffer: &'a EffectBuffer,
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
