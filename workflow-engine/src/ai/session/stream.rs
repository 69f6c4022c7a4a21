//! A call for text, piece by piece.

use std::fmt;
use std::future::IntoFuture;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::AiSession;
use super::choice::ModelChoice;
use super::generation::Generation;
use super::options::generation_options;
use super::prompt::Prompt;
use super::request::CallResult;
use super::text_stream::TextStream;
use crate::ai::error::AiError;
use crate::records::CallType;

/// A call for a stream, made by [`AiSession::stream_text`]; `.await` opens it.
///
/// Only the opening is repeated. A stream has no tools.
#[must_use = "nothing is sent until it is awaited"]
pub struct StreamText {
    generation: Generation,
}

impl StreamText {
    pub(super) fn new(helper: &AiSession, choice: ModelChoice, prompt: Prompt) -> Self {
        Self { generation: Generation::new(helper, choice, prompt) }
    }

    generation_options!();

    async fn open(self) -> Result<TextStream, AiError> {
        let ready = self.generation.ready(CallType::Stream, 0.7, None)?;
        let question = ready.question(1)?;
        let CallResult { value: stream, call, metadata } =
            ready.helper.ask(&question, || ready.provider.stream(&ready.request)).await?;
        let responses = ready.helper.client()?.settings().responses;
        let cancellation = ready.helper.shared.cancellation.clone();
        Ok(TextStream::new(stream, call, cancellation, ready.request, metadata, responses))
    }
}

impl IntoFuture for StreamText {
    type Output = Result<TextStream, AiError>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        self.open().boxed()
    }
}

impl fmt::Debug for StreamText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamText").field("model", &self.generation.choice.key).finish_non_exhaustive()
    }
}
