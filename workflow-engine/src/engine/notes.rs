//! The annotations and artifacts of a run.

use super::Engine;
use super::any_run::AnyRun;
use super::list::{Cursor, List, Page};
use crate::error::Error;
use crate::kernel::AttachAnnotation;
use crate::ports::AnnotationFilter;
use crate::records::{Annotation, AnnotationKey, AnnotationRecord, ArtifactRecord};
use crate::value::StageKey;

impl AnyRun {
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
    /// `STAGE_NOT_FOUND` when the workflow has no stage with this id; the errors of [`AnyRun::annotate`].
    pub async fn annotate_stage(
        &self,
        stage_key: impl Into<StageKey>,
        annotation: Annotation,
    ) -> Result<(), Error> {
        self.attach(Some(stage_key.into()), annotation).await
    }

    async fn attach(&self, stage_key: Option<StageKey>, annotation: Annotation) -> Result<(), Error> {
        annotation.check().map_err(Error::invalid_annotation)?;
        let command = AttachAnnotation { stage_key, ..AttachAnnotation::new(self.id(), annotation) };
        self.engine().dispatch(command).await.map(drop)
    }

    /// Lists the annotations of the run and its stages, oldest first, one record for each attribute. Unless you set a
    /// limit, a page has at most `filter.limit`.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`; the errors of [`Engine::runs`].
    pub fn annotations(&self, filter: &AnnotationFilter) -> List<AnnotationRecord> {
        let run = self.clone();
        annotations(filter, move |filter| {
            let run = run.clone();
            async move { run.unless_gone(run.store().annotations(run.id(), &filter).await?).await }
        })
    }

    /// Lists the artifacts that the run's stages keep beside their outputs, by stage and key. A stage that will run
    /// again has none.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`; the errors of [`Engine::runs`].
    pub fn artifacts(&self) -> List<ArtifactRecord> {
        const LIST: &str = "artifacts";

        let run = self.clone();
        List::new(move |after, limit| {
            let run = run.clone();
            async move {
                let after: Option<String> = after.map(|cursor| cursor.item(LIST)).transpose()?;
                // A run has few of them, and large ones are outside of their rows.
                let artifacts = run.unless_gone(run.store().artifacts(run.id(), None).await?).await?;
                let mut later = artifacts
                    .into_iter()
                    .skip_while(|artifact| after.as_ref().is_some_and(|after| place(artifact) <= *after));
                let page = later.by_ref().take(limit + 1).collect();
                Ok(Page::of(page, limit, |artifact| Cursor::new(LIST, place(artifact))))
            }
        })
    }
}

/// Returns a text that sorts artifacts as a list does: by stage, then by place, then by key.
fn place(artifact: &ArtifactRecord) -> String {
    format!("{}\u{0}{}\u{0}{}", artifact.stage_id, artifact.place.column(), artifact.key)
}

impl Engine {
    /// Lists the annotations of one key over all runs, oldest first. Unless you set a limit, a page has at most
    /// `filter.limit`. Annotations that are committed while you page may be missing.
    ///
    /// # Errors
    /// The errors of [`Engine::runs`].
    pub fn annotations<T>(&self, key: AnnotationKey<T>, filter: &AnnotationFilter) -> List<AnnotationRecord> {
        let (engine, name) = (self.clone(), key.name());
        annotations(filter, move |filter| {
            let engine = engine.clone();
            async move { engine.store().annotations_of_key(name, &filter).await }
        })
    }
}

/// Lists the annotations that `read` returns.
fn annotations<F>(
    filter: &AnnotationFilter,
    read: impl Fn(AnnotationFilter) -> F + Clone + Send + Sync + 'static,
) -> List<AnnotationRecord>
where
    F: Future<Output = Result<Vec<AnnotationRecord>, Error>> + Send + 'static,
{
    const LIST: &str = "annotations";

    let filter = filter.clone();
    let limit = filter.limit;
    let list = List::new(move |after: Option<Cursor>, limit| {
        let (filter, read) = (filter.clone(), read.clone());
        async move {
            let after = after.map(|cursor| cursor.item(LIST)).transpose()?.unwrap_or(filter.after);
            let annotations = read(filter.after(after).limit(limit + 1)).await?;
            Ok(Page::of(annotations, limit, |annotation| Cursor::new(LIST, annotation.id)))
        }
    });
    list.limit(limit)
}
