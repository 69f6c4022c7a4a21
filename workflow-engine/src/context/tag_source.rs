//! Where the tags of a run come from.

use std::collections::BTreeMap;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};

use super::stage_error::StageResult;

/// Reads the tags of the run.
pub(crate) trait TagSource: Send + Sync {
    /// Returns the tags by key.
    fn tags(&self) -> BoxFuture<'_, StageResult<BTreeMap<String, String>>>;
}

/// Tags of a unit test, or none.
#[derive(Clone, Default)]
pub(super) struct GivenTags(pub(super) BTreeMap<String, String>);

impl TagSource for GivenTags {
    fn tags(&self) -> BoxFuture<'_, StageResult<BTreeMap<String, String>>> {
        ready(Ok(self.0.clone())).boxed()
    }
}
