//! What hangs on a run: annotations, artifacts, and what its stages have measured.

use serde::de::DeserializeOwned;

use super::RunHandle;
use crate::error::Error;
use crate::kernel::AttachAnnotation;
use crate::ports::AnnotationFilter;
use crate::records::{Annotation, AnnotationRecord, ArtifactRecord, StageRecord};
use crate::stage::Workflow;

impl<W: Workflow> RunHandle<W> {
    /// Notes something about the run, in whatever state it is.
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
    /// workflow! { doubling = double }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").register::<doubling>().build().await?;
    /// let run = engine.start::<doubling>(DoubleInput { number: 21 }).await?;
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
    /// `INVALID_ANNOTATION`; when the store cannot be written.
    pub async fn annotate(&self, annotation: Annotation) -> Result<(), Error> {
        self.attach(None, annotation).await
    }

    /// The same about one of its stages.
    ///
    /// # Errors
    /// `STAGE_NOT_FOUND` when the workflow has no stage with this id; as [`RunHandle::annotate`].
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

    /// What was noted about the run, oldest first: by people, by programs, by its stages, one record an attribute. At
    /// most `filter.limit`; the next page is asked for with `filter.after(last.id)`, and misses nothing.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn annotations(&self, filter: &AnnotationFilter) -> Result<Vec<AnnotationRecord>, Error> {
        self.store().annotations(self.id(), filter).await
    }

    /// What its stages keep beside their outputs, by stage and key. Those of a stage that is to run again are void.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn artifacts(&self) -> Result<Vec<ArtifactRecord>, Error> {
        self.store().artifacts(self.id(), None).await
    }

    /// One artifact of one of its stages, if there is one.
    ///
    /// # Errors
    /// When the store cannot be read; `STORED_VALUE_CORRUPT` when it is not the JSON of a `T`.
    pub async fn artifact<T: DeserializeOwned>(&self, stage_id: &str, key: &str) -> Result<Option<T>, Error> {
        let Some(found) = self.store().artifact(self.id(), stage_id, key).await? else { return Ok(None) };
        let json = self.engine().kernel().resolve(self.id(), found.value).await?;
        let unreadable = |error| Error::stored_value(self.id(), format_args!("artifact `{key}`"), error);
        json.decode().map(Some).map_err(unreadable)
    }

    /// Its stages as they are stored now, in reading order, with what they have measured; none before the run is
    /// started.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn stages(&self) -> Result<Vec<StageRecord>, Error> {
        self.store().stages(self.id()).await
    }
}
