//! The answer of a person who approves something.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The answer of a person who approves or rejects something: a ready payload for a stage that waits for a signal.
///
/// ```
/// use workflow_engine::prelude::*;
///
/// #[stage(signal = Approval, give_up_after = "7d")]
/// async fn approve(draft: String) -> StageResult<String> {
///     Ok(format!("May we publish this? {draft}"))
/// }
///
/// #[stage]
/// async fn publish(comment: Option<String>) -> StageResult<String> {
///     Ok(comment.unwrap_or_default())
/// }
///
/// #[stage]
/// async fn archive() -> StageResult<String> {
///     Ok("archived".into())
/// }
///
/// workflow! {
///     Publishing = match approve {
///         Self { approved: true, comment } => publish,
///         Self { .. } => archive,
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), workflow_engine::Error> {
/// let engine = Engine::builder("memory:").register::<Publishing>().build().await?;
/// let run = engine.start::<Publishing>(ApproveInput { draft: "News".into() }).await?;
/// run.signal::<approve>(Approval::yes().comment("well done")).actor("ada").await?;
/// assert_eq!(run.output().await?, "well done");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// Whether it is approved.
    pub approved: bool,
    /// What the person adds.
    #[serde(default)]
    pub comment: Option<String>,
}

impl Approval {
    /// Approves.
    #[must_use]
    pub const fn yes() -> Self {
        Self { approved: true, comment: None }
    }

    /// Rejects.
    #[must_use]
    pub const fn no() -> Self {
        Self { approved: false, comment: None }
    }

    /// Adds a comment.
    #[must_use]
    pub fn comment(mut self, comment: impl Into<String>) -> Self {
        self.comment = Some(comment.into());
        self
    }
}
