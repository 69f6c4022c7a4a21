//! Where committed artifacts come from.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use crate::context::stage_error::StageResult;
use crate::value::{Json, StageKey};

/// Reads committed artifacts.
pub(crate) trait ArtifactSource: Send + Sync {
    /// Returns an artifact of the stage itself or of a stage that runs before it.
    fn artifact<'a>(
        &'a self,
        stage_key: &'a StageKey,
        key: &'a str,
    ) -> BoxFuture<'a, StageResult<Option<Json>>>;

    /// Returns the keys of a stage's artifacts.
    fn keys<'a>(&'a self, stage_key: &'a StageKey) -> BoxFuture<'a, StageResult<Vec<String>>>;
}

/// A source without artifacts.
pub(crate) struct NoArtifacts;

impl ArtifactSource for NoArtifacts {
    fn artifact<'a>(&'a self, _: &'a StageKey, _: &'a str) -> BoxFuture<'a, StageResult<Option<Json>>> {
        ready(Ok(None)).boxed()
    }

    fn keys<'a>(&'a self, _: &'a StageKey) -> BoxFuture<'a, StageResult<Vec<String>>> {
        ready(Ok(Vec::new())).boxed()
    }
}

/// An artifact of a unit test, which hides those of another source.
pub(crate) struct GivenArtifact {
    pub(crate) stage_key: StageKey,
    pub(crate) key: String,
    pub(crate) value: Json,
    pub(crate) others: Arc<dyn ArtifactSource>,
}

impl ArtifactSource for GivenArtifact {
    fn artifact<'a>(
        &'a self,
        stage_key: &'a StageKey,
        key: &'a str,
    ) -> BoxFuture<'a, StageResult<Option<Json>>> {
        if *stage_key == self.stage_key && key == self.key {
            return ready(Ok(Some(self.value.clone()))).boxed();
        }
        self.others.artifact(stage_key, key)
    }

    fn keys<'a>(&'a self, stage_key: &'a StageKey) -> BoxFuture<'a, StageResult<Vec<String>>> {
        async move {
            let mut keys: BTreeSet<String> = self.others.keys(stage_key).await?.into_iter().collect();
            if *stage_key == self.stage_key {
                keys.insert(self.key.clone());
            }
            Ok(keys.into_iter().collect())
        }
        .boxed()
    }
}
