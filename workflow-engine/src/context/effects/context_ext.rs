//! The methods of a context that add effects.

use serde::Serialize;

use super::artifacts::StageStorage;
use super::buffer::{Effects, check_name};
use super::transaction::StageTransaction;
use crate::context::stage_context::StageContext;
use crate::context::stage_error::{StageError, StageResult};
use crate::error::ErrorCode;
use crate::records::Annotation;

impl<S> StageContext<S> {
    /// Adds an annotation to the run. It is committed once, with the stage's outcome; annotations of failed attempts are
    /// dropped.
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
    /// Permanent, if the annotation cannot be stored (an invalid key or actor, values that are too large or not kept in
    /// JSON), or if the attempt has ended.
    pub fn annotate(&self, annotation: Annotation) -> StageResult<()> {
        annotation.check().map_err(|reason| {
            let reason = format_args!("an annotation of stage `{}`: {reason}", self.stage_key());
            StageError::with_code(ErrorCode::InvalidAnnotation, reason)
        })?;
        self.buffer().open(self.scope(), "an annotation")?.annotations.push(annotation);
        Ok(())
    }

    /// Returns the SQL statements that are committed with the stage's outcome, exactly once. They change your own tables
    /// in the database that stores the runs.
    #[must_use]
    pub fn transaction(&self) -> StageTransaction<'_> {
        StageTransaction { scope: self.scope(), buffer: self.buffer() }
    }

    /// Returns the stage's artifacts.
    #[must_use]
    pub fn storage(&self) -> StageStorage<'_> {
        StageStorage { scope: self.scope(), buffer: self.buffer(), source: self.artifact_source() }
    }

    /// Stores an artifact of the stage: short for [`storage().put(key, value)`](StageStorage::put).
    ///
    /// # Errors
    /// Those of [`StageStorage::put`].
    pub fn put_artifact(&self, key: impl Into<String>, value: &(impl Serialize + ?Sized)) -> StageResult<()> {
        self.storage().put(key, value)
    }

    /// Records a metric: a number that is committed with the stage's outcome.
    ///
    /// A second value under the same name replaces the first. A rerun of the stage starts without metrics.
    ///
    /// # Errors
    /// Permanent, if the name does not have 1 to 255 bytes or has control characters, if the value is not finite, or if the
    /// attempt has ended.
    pub fn record_metric(&self, name: impl Into<String>, value: f64) -> StageResult<()> {
        let name = name.into();
        check_name("a metric", &name)?;
        if !value.is_finite() {
            return Err(StageError::permanent(format_args!(
                "metric `{name}` is not a finite number: {value}"
            )));
        }
        self.buffer().open(self.scope(), "a metric")?.metrics.insert(name, value);
        Ok(())
    }

    /// Returns the effects of this attempt so far, for unit tests of a stage's function.
    #[must_use]
    pub fn effects(&self) -> Effects {
        self.buffer().lock().clone()
    }
}
