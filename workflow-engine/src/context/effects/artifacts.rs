//! Artifacts: what stages keep beside their outputs.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::context::effects::{EffectBuffer, check_name};
use crate::context::stage_error::{StageError, StageResult};
use crate::value::Json;

/// Where committed artifacts come from.
pub(crate) trait ArtifactSource: Send + Sync {
    /// The artifact of a stage of the run, itself or one before it.
    fn artifact<'a>(&'a self, stage_id: &'a str, key: &'a str) -> BoxFuture<'a, StageResult<Option<Json>>>;

    /// The keys of a stage's artifacts.
    fn keys<'a>(&'a self, stage_id: &'a str) -> BoxFuture<'a, StageResult<Vec<String>>>;
}

/// There are none.
pub(crate) struct NoArtifacts;

impl ArtifactSource for NoArtifacts {
    fn artifact<'a>(&'a self, _: &'a str, _: &'a str) -> BoxFuture<'a, StageResult<Option<Json>>> {
        ready(Ok(None)).boxed()
    }

    fn keys<'a>(&'a self, _: &'a str) -> BoxFuture<'a, StageResult<Vec<String>>> {
        ready(Ok(Vec::new())).boxed()
    }
}

/// One that a unit test gives, before others.
pub(crate) struct GivenArtifact {
    pub(crate) stage_id: &'static str,
    pub(crate) key: String,
    pub(crate) value: Json,
    pub(crate) others: Arc<dyn ArtifactSource>,
}

impl ArtifactSource for GivenArtifact {
    fn artifact<'a>(&'a self, stage_id: &'a str, key: &'a str) -> BoxFuture<'a, StageResult<Option<Json>>> {
        if stage_id == self.stage_id && key == self.key {
            return ready(Ok(Some(self.value.clone()))).boxed();
        }
        self.others.artifact(stage_id, key)
    }

    fn keys<'a>(&'a self, stage_id: &'a str) -> BoxFuture<'a, StageResult<Vec<String>>> {
        async move {
            let mut keys: BTreeSet<String> = self.others.keys(stage_id).await?.into_iter().collect();
            if stage_id == self.stage_id {
                keys.insert(self.key.clone());
            }
            Ok(keys.into_iter().collect())
        }
        .boxed()
    }
}

/// The artifacts of a stage: values under keys, kept beside its output, of any size.
///
/// What is put or deleted is committed with the stage's outcome, and an attempt that fails leaves nothing of it. The
/// stage itself sees it at once. Later stages read it through [`StageStorage::of`], everybody else through
/// [`RunHandle::artifact`](crate::RunHandle::artifact). A rerun of the stage begins without any.
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
/// workflow! { titles = download >> title }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), workflow_engine::Error> {
/// let engine = Engine::builder("memory:").register::<titles>().build().await?;
/// let run = engine.start::<titles>(DownloadInput { url: "a".into() }).await?;
/// assert_eq!(run.output().await?.as_deref(), Some("<html>a</html>"));
/// assert_eq!(run.artifacts().await?[0].key, "page");
/// assert_eq!(run.artifact::<String>("download", "page").await?.unwrap(), "<html>a</html>");
/// # Ok(())
/// # }
/// ```
pub struct StageStorage<'a> {
    pub(crate) stage_id: &'a str,
    pub(crate) buffer: &'a EffectBuffer,
    pub(crate) source: &'a dyn ArtifactSource,
}

impl<'a> StageStorage<'a> {
    /// Keeps anything that serde writes. `key` has 1 to 255 bytes and no control characters; an artifact that has it
    /// already is replaced.
    ///
    /// # Errors
    /// Permanent, when the key is none or serde cannot write the value.
    pub fn put(&self, key: impl Into<String>, value: &(impl Serialize + ?Sized)) -> StageResult<()> {
        let key = key.into();
        check_name("an artifact", &key)?;
        let json = Json::encode(value).map_err(|error| {
            StageError::permanent(format_args!("the artifact `{key}` cannot be stored: {error}"))
        })?;
        self.buffer.lock().artifacts.insert(key, Some(json));
        Ok(())
    }

    /// Deletes an artifact; it is no error where there is none.
    pub fn delete(&self, key: impl Into<String>) {
        self.buffer.lock().artifacts.insert(key.into(), None);
    }

    /// The stage's own artifact, as it is put or as an earlier commit of the stage has left it: its check finds what
    /// its function has put.
    ///
    /// # Errors
    /// When the store cannot be read; permanent, when the artifact is not the JSON of a `T`.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> StageResult<Option<T>> {
        let asked = self.buffer.lock().artifacts.get(key).cloned();
        let json = match asked {
            Some(asked) => asked,
            None => self.source.artifact(self.stage_id, key).await?,
        };
        decode(self.stage_id, key, json)
    }

    /// The keys of the stage's own artifacts, in order.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(&self) -> StageResult<Vec<String>> {
        let mut keys: BTreeSet<String> = self.source.keys(self.stage_id).await?.into_iter().collect();
        for (key, value) in &self.buffer.lock().artifacts {
            if value.is_some() {
                keys.insert(key.clone());
            } else {
                keys.remove(key);
            }
        }
        Ok(keys.into_iter().collect())
    }

    /// The artifacts of a stage that runs before this one.
    pub(crate) const fn of_stage(&self, stage_id: &'static str) -> StageArtifacts<'a> {
        StageArtifacts { stage_id, source: self.source }
    }
}

impl fmt::Debug for StageStorage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StageStorage").field("stage_id", &self.stage_id).finish_non_exhaustive()
    }
}

/// The artifacts of an earlier stage, to be read.
pub struct StageArtifacts<'a> {
    stage_id: &'static str,
    source: &'a dyn ArtifactSource,
}

impl StageArtifacts<'_> {
    /// The artifact, if there is one.
    ///
    /// # Errors
    /// When the store cannot be read; permanent, when the stage does not run before this one, or the artifact is not
    /// the JSON of a `T`.
    pub async fn get<T: DeserializeOwned>(&self, key: &str) -> StageResult<Option<T>> {
        decode(self.stage_id, key, self.source.artifact(self.stage_id, key).await?)
    }

    /// Their keys, in order.
    ///
    /// # Errors
    /// When the store cannot be read; permanent, when the stage does not run before this one.
    pub async fn list(&self) -> StageResult<Vec<String>> {
        self.source.keys(self.stage_id).await
    }
}

impl fmt::Debug for StageArtifacts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StageArtifacts").field("stage_id", &self.stage_id).finish_non_exhaustive()
    }
}

fn decode<T: DeserializeOwned>(stage_id: &str, key: &str, json: Option<Json>) -> StageResult<Option<T>> {
    json.map(|json| json.decode()).transpose().map_err(|error| {
        StageError::permanent(format_args!("artifact `{key}` of stage `{stage_id}` cannot be read: {error}"))
    })
}
