//! A call for text.

use std::fmt;
use std::future::IntoFuture;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::AiSession;
use super::choice::ModelChoice;
use super::generation::Generation;
use super::options::{generation_options, tool_options};
use super::prompt::Prompt;
use super::response::TextResponse;
use crate::ai::error::AiError;
use crate::records::CallType;

/// A call for text, made by [`AiSession::generate_text`]; `.await` makes it.
#[must_use = "nothing is sent until it is awaited"]
pub struct GenerateText {
    generation: Generation,
}

impl GenerateText {
    pub(super) fn new(helper: &AiSession, choice: ModelChoice, prompt: Prompt) -> Self {
        Self { generation: Generation::new(helper, choice, prompt) }
    }

    generation_options!();
    tool_options!();
}

impl IntoFuture for GenerateText {
    type Output = Result<TextResponse, AiError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        async move { self.generation.ready(CallType::Text, 0.7, None)?.run().await }.boxed()
    }
}

impl fmt::Debug for GenerateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GenerateText").field("model", &self.generation.choice.key).finish_non_exhaustive()
    }
}
