//! The call for text that arrives as a stream.

use std::fmt;
use std::future::IntoFuture;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, Stream, StreamExt};
use serde_json::{Map, Value};

use super::AiSession;
use super::generation::{Generation, generation_options};
use super::model_choice::ModelChoice;
use super::prompt::Prompt;
use super::request::{CallResult, ReservedCall, Settlement, cancelled, outcome_of, settled};
use super::text::TextResponse;
use super::transcript::{describe_response, response_text};
use crate::ai::content_capture::ContentCapture;
use crate::ai::message::{Message, Part, Role, ToolCall};
use crate::ai::request::GenerateRequest;
use crate::ai::response::{FinishReason, GenerateStream, StreamPart};
use crate::ledger::CallOutcome;
use crate::ledger::ai_error::{AiError, AiErrorKind};
use crate::ledger::usage::Usage;
use crate::records::CallType;
use crate::value::Cost;

impl AiSession {
    /// Generates text as a stream of deltas.
    pub fn stream_text(&self, model: impl Into<ModelChoice>, prompt: impl Into<Prompt>) -> StreamText {
        StreamText { generation: Generation::new(self, model.into(), prompt.into()) }
    }
}

/// A call for a stream, built by [`AiSession::stream_text`]. `.await` opens it and returns a [`TextStream`].
///
/// Only the opening is retried. A stream executes no tools.
#[must_use = "nothing is sent until it is awaited"]
pub struct StreamText {
    generation: Generation,
}

impl StreamText {
    generation_options!();

    async fn open(self) -> Result<TextStream, AiError> {
        let prepared = self.generation.prepare(CallType::Stream, None)?;
        let spec = prepared.call_spec(1)?;
        let CallResult { response: stream, call, metadata } =
            prepared.session.send(&spec, || prepared.provider.stream(&prepared.request)).await?;
        let responses = prepared.session.client()?.settings().responses;
        let cancellation = prepared.session.shared.cancellation.clone();
        Ok(TextStream {
            state: State::Receiving { stream, call },
            cancelled: async move { cancellation.cancelled_owned().await }.boxed(),
            request: prepared.request,
            metadata,
            responses,
            text: String::new(),
            reasoning: None,
            tool_calls: Vec::new(),
            finished: None,
        })
    }
}

/// A stream of text deltas. After the last delta, [`finish`](Self::finish) returns the whole response with its usage.
///
/// The call is settled once: with its cost when the stream is complete, and as unknown if the stream is cut, cancelled or
/// dropped before, because the provider charges for a partial response without reporting its tokens.
#[must_use = "a stream that is dropped unread abandons its call"]
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
    Receiving {
        stream: GenerateStream,
        call: ReservedCall,
    },
    /// The outcome is being written. The error, if there is one, is returned afterwards.
    Settling {
        settlement: Settlement,
        error: Option<AiError>,
    },
    Finished,
}

impl TextStream {
    /// Returns the text received so far.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the model's reasoning received so far, if the provider returns it.
    #[must_use]
    pub fn reasoning(&self) -> Option<&str> {
        self.reasoning.as_deref()
    }

    /// Returns the tokens that the call used, or `None` before the stream is complete.
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        self.finished.map(|(usage, _, _)| usage)
    }

    /// Returns the cost of the call, or `None` before the stream is complete.
    #[must_use]
    pub fn cost(&self) -> Option<Cost> {
        self.finished.map(|(_, cost, _)| cost)
    }

    /// Reads the rest of the stream and returns the whole response.
    ///
    /// # Errors
    /// The errors of the stream; [`AiErrorKind::Connection`] if it was cut or has already failed.
    pub async fn finish(mut self) -> Result<TextResponse, AiError> {
        while let Some(delta) = self.next().await {
            delta?;
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

    /// Handles the next part from the provider. Returns a text delta for the reader.
    fn receive(&mut self, part: Option<Result<StreamPart, AiError>>) -> Option<String> {
        match part {
            Some(Ok(StreamPart::Text(text))) => {
                self.text.push_str(&text);
                return Some(text);
            }
            Some(Ok(StreamPart::Reasoning(text))) => {
                self.reasoning.get_or_insert_default().push_str(&text);
            }
            Some(Ok(StreamPart::ToolCall(call))) => self.tool_calls.push(call),
            Some(Ok(StreamPart::Finished { usage, finish_reason })) => self.complete(usage, finish_reason),
            Some(Err(error)) => self.fail(error),
            None => self.fail(cut()),
        }
        None
    }

    fn complete(&mut self, usage: Usage, finish_reason: FinishReason) {
        let cost = self.request.model.cost(&usage, false);
        self.finished = Some((usage, cost, finish_reason));
        describe_response(&mut self.metadata, finish_reason, self.reasoning.is_some());
        let text = self.responses.capture(|| response_text(&self.text, &self.tool_calls));
        let outcome = settled(text, usage, cost, mem::take(&mut self.metadata));
        self.settle(outcome, None);
    }

    fn fail(&mut self, error: AiError) {
        // The provider has begun to respond, so no error of an open stream is free.
        let outcome = match outcome_of(&error) {
            CallOutcome::Failed { error } => CallOutcome::Unknown { error },
            outcome => outcome,
        };
        self.settle(outcome, Some(error));
    }

    fn settle(&mut self, outcome: CallOutcome, error: Option<AiError>) {
        if let State::Receiving { call, .. } = mem::replace(&mut self.state, State::Finished) {
            self.state = State::Settling { settlement: call.settle(outcome), error };
        }
    }
}

impl Stream for TextStream {
    type Item = Result<String, AiError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            match &mut this.state {
                State::Finished => return Poll::Ready(None),
                State::Settling { settlement, error } => {
                    let result = ready!(settlement.poll_unpin(context));
                    let error = error.take();
                    this.state = State::Finished;
                    // The error of the stream is the cause; that its outcome was not recorded comes second.
                    return Poll::Ready(error.or(result.err()).map(Err));
                }
                State::Receiving { stream, .. } => {
                    if this.cancelled.poll_unpin(context).is_ready() {
                        this.fail(cancelled());
                        continue;
                    }
                    let part = ready!(stream.poll_next_unpin(context));
                    if let Some(text) = this.receive(part) {
                        return Poll::Ready(Some(Ok(text)));
                    }
                }
            }
        }
    }
}

fn cut() -> AiError {
    AiError::new(AiErrorKind::Connection, "the stream was cut before it was complete")
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

impl fmt::Debug for TextStream {
    /// Shows no prompt and no response, since debug output reaches logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextStream")
            .field("model", &self.request.model.id)
            .field("finished", &self.finished)
            .finish_non_exhaustive()
    }
}
