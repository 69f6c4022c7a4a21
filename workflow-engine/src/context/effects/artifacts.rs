//! Artifacts: values that a stage stores beside its output.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::artifact_source::ArtifactSource;
use super::buffer::{EffectBuffer, check_name};
use crate::context::scope::StageScope;
use crate::context::stage_error::{StageError, StageResult};
use crate::value::{Json, StageKey, exact};

/// The artifacts of a stage: values of any size under keys, stored beside its output.
///
/// Changes are committed with the stage's outcome; the changes of a failed attempt are dropped. The stage itself sees its
/// changes immediately. Later stages read the artifacts through [`StageStorage::of`], other code reads them through
/// [`RunHandle::artifact`](crate::RunHandle::artifact). A rerun of the stage starts without artifacts.
///
/// ```
/// use workflow_engine::prelude::*;
///
/// #[stage]
/// async fn download(url: String, ctx: &StageContext) -> StageResult<usize> {
///     let page = format!("<html>{url}</html>");
///     ctx.storage().put("page", &page)?;
///     Ok(page.len())
/// }
///
/// #[stage(require(download))]
/// async fn title(ctx: &StageContext<title>) -> StageResult<Option<String>> {
///     ctx.storage().of::<download>().get("page").await
/// }
///
/// workflow! { Titles = download >> title }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), workflow_engine::Error> {
/// let engine = Engine::builder("memory:").register::<Titles>().build().await?;
/// let run = engine.start::<Titles>(DownloadInput { url: "a".into() }).await?;
/// assert_eq!(run.output().await?.as_deref(), Some("<html>a</html>"));
/// assert_eq!(run.artifacts().await?[0].key, "page");
/// assert_eq!(run.artifact::<download, String>("page").await?.unwrap(), "<html>a</html>");
/// # Ok(())
/// # }
/// ```
pub struct StageStorage<'a> {
    pub(crate) scope: &'a StageScope,
    pub(crate) buffer: &'a EffectBuffer,
    pub(crate) source: &'a dyn ArtifactSource,
}

impl<'a> StageStorage<'a> {
    /// Stores a value that serde can write as JSON, and replaces an earlier one under the same key.
    ///
    /// `key` has 1 to 255 bytes and no control characters.
    ///
    /// # Errors
    /// Permanent, if the key is invalid, if serde cannot write the value, or if a part of it has no form in JSON (a number
    /// that is not finite, `Some` of a value that is `null` itself). The message names the path in the value.
    /// Also permanent, if the attempt has ended.
    pub fn put(&self, key: impl Into<String>, value: &(impl Serialize + ?Sized)) -> StageResult<()> {
        let key = key.into();
        check_name("an artifact", &key)?;
        let json = exact::encode(value).map_err(|fault| {
            let stage = &self.scope.stage_key;
            StageError::lossy(format_args!("artifact `{key}` of stage `{stage}` cannot be stored"), &fault)
        })?;
        self.buffer.open(self.scope, "an artifact")?.artifacts.insert(key, Some(json));
        Ok(())
    }

    /// Deletes an artifact. A missing artifact is not an error. After the attempt has ended, nothing is deleted, and a
    /// warning is logged.
    pub fn delete(&self, key: impl Into<String>) {
        match self.buffer.open(self.scope, "the deletion of an artifact") {
            Ok(mut effects) => drop(effects.artifacts.insert(key.into(), None)),
            Err(error) => tracing::warn!(run = %self.scope.run_id, stage = %self.scope.stage_key, "{error}"),
        }
    }

    /// Returns an artifact of this stage: the value that this attempt has put, or else the committed one. So a check
    /// reads the artifacts of the stage's function.
    ///
    /// # Errors
    /// Retryable, if the store cannot be read; permanent, if the artifact is not the JSON of a `T`.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> StageResult<Option<T>> {
        let put = self.buffer.lock().artifacts.get(key).cloned();
        let json = match put {
            Some(change) => change,
            None => self.source.artifact(&self.scope.stage_key, key).await?,
        };
        decode(&self.scope.stage_key, key, json)
    }

    /// Returns the keys of this stage's artifacts, sorted.
    ///
    /// # Errors
    /// Retryable, if the store cannot be read.
    pub async fn list(&self) -> StageResult<Vec<String>> {
        let mut keys: BTreeSet<String> = self.source.keys(&self.scope.stage_key).await?.into_iter().collect();
        for (key, value) in &self.buffer.lock().artifacts {
            if value.is_some() {
                keys.insert(key.clone());
            } else {
                keys.remove(key);
            }
        }
        Ok(keys.into_iter().collect())
    }

    /// The artifacts of another stage.
    pub(crate) fn of_stage(&self, stage_id: &'static str) -> StageArtifacts<'a> {
        StageArtifacts { stage_key: stage_id.into(), source: self.source }
    }
}

impl fmt::Debug for StageStorage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StageStorage").field("stage", &self.scope.stage_key).finish_non_exhaustive()
    }
}

/// The artifacts of a stage that runs before this one, read-only.
pub struct StageArtifacts<'a> {
    stage_key: StageKey,
    source: &'a dyn ArtifactSource,
}

impl StageArtifacts<'_> {
    /// Returns an artifact, or `None` if there is none under this key.
    ///
    /// # Errors
    /// Retryable, if the store cannot be read; permanent, if the stage does not run before this one or the artifact is
    /// not the JSON of a `T`.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> StageResult<Option<T>> {
        decode(&self.stage_key, key, self.source.artifact(&self.stage_key, key).await?)
    }

    /// Returns the keys, sorted.
    ///
    /// # Errors
    /// Retryable, if the store cannot be read; permanent, if the stage does not run before this one.
    pub async fn list(&self) -> StageResult<Vec<String>> {
        self.source.keys(&self.stage_key).await
    }
}

impl fmt::Debug for StageArtifacts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StageArtifacts").field("stage", &self.stage_key).finish_non_exhaustive()
    }
}

fn decode<T: DeserializeOwned>(
    stage_key: &StageKey,
    key: &str,
    json: Option<Json>,
) -> StageResult<Option<T>> {
    json.map(|json| json.decode()).transpose().map_err(|error| {
        StageError::permanent(format_args!("artifact `{key}` of stage `{stage_key}` cannot be read: {error}"))
    })
}
