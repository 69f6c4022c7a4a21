//! An answer while it arrives.

use std::fmt;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, Stream, StreamExt};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::ending::Ending;
use super::errors::end_of;
use super::open_call::OpenCall;
use super::request::{cancelled, json};
use super::response::TextResponse;
use super::steps::describe;
use super::transcript;
use crate::ai::content_capture::ContentCapture;
use crate::ai::error::{AiError, AiErrorKind};
use crate::ai::message::{Message, Part, Role, ToolCall};
use crate::ai::request::GenerateRequest;
use crate::ai::response::{FinishReason, GenerateResponse, GenerateStream, StreamPart, Usage};
use crate::ledger::{CallOutcome, SettledCall};
use crate::value::Cost;

/// Text, piece by piece; after its last piece, [`finish`](Self::finish) tells what it took.
///
/// Its row in the ledger ends once: settled when the stream has come to its end, unknown when it is cut, cancelled, or
/// dropped before: what was answered until then is paid, and nobody says how much that was.
#[must_use = "a stream that nobody reads is given up"]
pub struct TextStream {
    state: State,
    cancelled: BoxFuture<'static, ()>,
    request: GenerateRequest,
    metadata: Map<String, Value>,
    responses: ContentCapture,
    text: String,
    reasoning: Option<String>,
    tool_calls: Vec<ToolCall>,
    finished: Option<(Usage, Cost, FinishReason)>,
}

enum State {
    Open {
        stream: GenerateStream,
        call: OpenCall,
    },
    /// The end is on its way to the ledger; then the error, if there is one.
    Ending {
        ending: Ending,
        error: Option<AiError>,
    },
    Over,
}

impl TextStream {
    pub(super) fn new(
        stream: GenerateStream,
        call: OpenCall,
        cancellation: CancellationToken,
        request: GenerateRequest,
        metadata: Map<String, Value>,
        responses: ContentCapture,
    ) -> Self {
        Self {
            state: State::Open { stream, call },
            cancelled: async move { cancellation.cancelled_owned().await }.boxed(),
            request,
            metadata,
            responses,
            text: String::new(),
            reasoning: None,
            tool_calls: Vec::new(),
            finished: None,
        }
    }

    /// The text so far.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What the model says of its reasoning, so far.
    #[must_use]
    pub fn reasoning(&self) -> Option<&str> {
        self.reasoning.as_deref()
    }

    /// What it took; `None` before its end.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.finished.map(|(usage, _, _)| usage)
    }

    /// What it costs; `None` before its end.
    #[must_use]
    pub fn cost(&self) -> Option<Cost> {
        self.finished.map(|(_, cost, _)| cost)
    }

    /// Reads what is left, and answers the whole.
    ///
    /// # Errors
    /// Those of the stream. One that has failed before, or was cut, answers [`AiErrorKind::Connection`].
    pub async fn finish(mut self) -> Result<TextResponse, AiError> {
        while let Some(piece) = self.next().await {
            piece?;
        }
        let Some((usage, cost, finish_reason)) = self.finished else { return Err(cut()) };
        let mut messages = mem::take(&mut self.request.messages);
        let mut parts = vec![Part::text(&self.text)];
        parts.extend(self.tool_calls.iter().cloned().map(Part::ToolCall));
        messages.push(Message { role: Role::Assistant, parts });
        Ok(TextResponse {
            text: mem::take(&mut self.text),
            reasoning: self.reasoning.take(),
            usage,
            cost,
            steps: 1,
            finish_reason,
            tool_calls: mem::take(&mut self.tool_calls),
            messages,
        })
    }

    /// The row's end, once.
    fn end(&mut self, end: CallOutcome, error: Option<AiError>) {
        if let State::Open { call, .. } = mem::replace(&mut self.state, State::Over) {
            self.state = State::Ending { ending: call.end(end), error };
        }
    }

    fn fail(&mut self, error: AiError) {
        // Once it is open, it has begun, and so has what it costs.
        let end = match end_of(&error) {
            CallOutcome::Failed { error } => CallOutcome::Unknown { error },
            end => end,
        };
        self.end(end, Some(error));
    }

    fn settle(&mut self, usage: Usage, finish_reason: FinishReason) {
        let cost = self.request.model.cost(&usage, false);
        self.finished = Some((usage, cost, finish_reason));
        let response = GenerateResponse {
            text: String::new(),
            reasoning: self.reasoning.clone(),
            tool_calls: Vec::new(),
            usage,
            finish_reason,
        };
        describe(&mut self.metadata, &response);
        let settled = SettledCall {
            response: self.responses.keep(|| transcript::answer(&self.text, &self.tool_calls)),
            input_tokens: usage.input_tokens,
            cached_input_tokens: usage.cached_input_tokens,
            output_tokens: usage.output_tokens,
            cost,
            metadata: json(mem::take(&mut self.metadata)),
        };
        self.end(CallOutcome::Settled(settled), None);
    }

    /// One piece of the provider's; `Some` where it is text for the reader.
    fn take(&mut self, piece: Option<Result<StreamPart, AiError>>) -> Option<String> {
        match piece {
            Some(Ok(StreamPart::Text(text))) => {
                self.text.push_str(&text);
                return Some(text);
            }
            Some(Ok(StreamPart::Reasoning(text))) => {
                self.reasoning.get_or_insert_default().push_str(&text);
            }
            Some(Ok(StreamPart::ToolCall(call))) => self.tool_calls.push(call),
            Some(Ok(StreamPart::Finished { usage, finish_reason })) => self.settle(usage, finish_reason),
            Some(Err(error)) => self.fail(error),
            None => self.fail(cut()),
        }
        None
    }
}

impl Stream for TextStream {
    type Item = Result<String, AiError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            match &mut this.state {
                State::Over => return Poll::Ready(None),
                State::Ending { ending, error } => {
                    let written = ready!(ending.poll_unpin(context));
                    let error = error.take();
                    this.state = State::Over;
                    // Why the stream failed says more than that its end was not written.
                    return Poll::Ready(error.or(written.err()).map(Err));
                }
                State::Open { stream, .. } => {
                    if this.cancelled.poll_unpin(context).is_ready() {
                        this.fail(cancelled());
                        continue;
                    }
                    let piece = ready!(stream.poll_next_unpin(context));
                    if let Some(text) = this.take(piece) {
                        return Poll::Ready(Some(Ok(text)));
                    }
                }
            }
        }
    }
}

fn cut() -> AiError {
    AiError::new(AiErrorKind::Connection, "the stream was cut before its end")
}

impl fmt::Debug for TextStream {
    /// Without what was asked and answered.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextStream")
            .field("model", &self.request.model.id)
            .field("finished", &self.finished)
            .finish_non_exhaustive()
    }
}
