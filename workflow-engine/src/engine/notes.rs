//! The annotations, artifacts and stage records of a run.

use serde::de::DeserializeOwned;

use super::RunHandle;
use crate::error::Error;
use crate::kernel::AttachAnnotation;
use crate::language::Workflow;
use crate::ports::AnnotationFilter;
use crate::records::{Annotation, AnnotationRecord, ArtifactRecord, StageRecord};

impl<W: Workflow> RunHandle<W> {
    /// Adds annotations to the run, in any state of the run.
    ///
    /// ```
    /// use workflow_engine::prelude::*;
    /// use workflow_engine::{AnnotationFilter, AnnotationKey};
    ///
    /// const OUTCOME: AnnotationKey<String> = AnnotationKey::new("review.outcome");
    /// const SCORE: AnnotationKey<u32> = AnnotationKey::new("review.score");
    ///
    /// #[stage]
    /// async fn double(number: u32) -> StageResult<u32> {
    ///     Ok(number * 2)
    /// }
    ///
    /// workflow! { Doubling = double }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").register::<Doubling>().build().await?;
    /// let run = engine.start::<Doubling>(DoubleInput { number: 21 }).await?;
    /// run.annotate(OUTCOME.value(&"approved".into()).and(SCORE, &5).actor("ada")).await?;
    ///
    /// let reviews = run.annotations(&AnnotationFilter::new().prefix("review").actor("ada")).await?;
    /// assert_eq!(reviews.len(), 2);
    /// assert_eq!(reviews[1].get(SCORE)?, Some(5));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// `INVALID_ANNOTATION`; any error of writing the store.
    pub async fn annotate(&self, annotation: Annotation) -> Result<(), Error> {
        self.attach(None, annotation).await
    }

    /// Adds annotations to one of the run's stages.
    ///
    /// # Errors
    /// `STAGE_NOT_FOUND` when the workflow has no stage with this id; the errors of [`RunHandle::annotate`].
    pub async fn annotate_stage(
        &self,
        stage_id: impl Into<String>,
        annotation: Annotation,
    ) -> Result<(), Error> {
        self.attach(Some(stage_id.into()), annotation).await
    }

    async fn attach(&self, stage_id: Option<String>, annotation: Annotation) -> Result<(), Error> {
        annotation.check().map_err(Error::invalid_annotation)?;
        let command = AttachAnnotation { stage_id, ..AttachAnnotation::new(self.id(), annotation) };
        self.engine().dispatch(command).await.map(drop)
    }

    /// Returns the annotations of the run and its stages, oldest first, one record for each attribute. Returns at most
    /// `filter.limit`; request the next page with `filter.after(last.id)`, which misses no record.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`; any error of reading the store.
    pub async fn annotations(&self, filter: &AnnotationFilter) -> Result<Vec<AnnotationRecord>, Error> {
        self.unless_gone(self.store().annotations(self.id(), filter).await?).await
    }

    /// Returns the artifacts that the run's stages keep beside their outputs, by stage and key. A stage that will run
    /// again has none.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`; any error of reading the store.
    pub async fn artifacts(&self) -> Result<Vec<ArtifactRecord>, Error> {
        self.unless_gone(self.store().artifacts(self.id(), None).await?).await
    }

    /// Returns one artifact of a stage, if it exists.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`; any error of reading the store; `STORED_VALUE_CORRUPT` when the value is not the JSON of a `T`.
    pub async fn artifact<T: DeserializeOwned>(&self, stage_id: &str, key: &str) -> Result<Option<T>, Error> {
        let Some(found) = self.store().artifact(self.id(), stage_id, key).await? else {
            self.check_exists().await?;
            return Ok(None);
        };
        let json = self.engine().kernel().resolve(self.id(), found.value).await?;
        let unreadable = |error| Error::stored_value(self.id(), format_args!("artifact `{key}`"), error);
        json.decode().map(Some).map_err(unreadable)
    }

    /// Returns the run's stages as they are stored now, in reading order, with their metrics; none before the run has
    /// started.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`; any error of reading the store.
    pub async fn stages(&self) -> Result<Vec<StageRecord>, Error> {
        self.unless_gone(self.store().stages(self.id()).await?).await
    }
}
