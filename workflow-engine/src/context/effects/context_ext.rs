//! How a stage asks for effects through its context.

use serde::Serialize;

use super::artifacts::StageStorage;
use super::buffer::{Effects, check_name};
use super::transaction::StageTransaction;
use crate::context::stage_context::StageContext;
use crate::context::stage_error::{StageError, StageResult};
use crate::records::Annotation;

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
