//! The results of a batch, and the settlement of its rows in the ledger.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::ticket::{BatchTicket, TicketItem};
use super::{AiBatch, BatchTarget};
use crate::ai::batch::{BatchState, BatchStatus};
use crate::ai::content_capture::ContentCapture;
use crate::ai::message::ToolCall;
use crate::ai::model::ModelConfig;
use crate::ai::response::{FinishReason, GenerateResponse};
use crate::ai::session::request::{Settlement, settled};
use crate::ai::session::schema::{ExpectedSchema, decode_object, parse_object, parse_without_schema};
use crate::ai::session::transcript::{describe_response, response_text};
use crate::ledger::CallOutcome;
use crate::ledger::ai_error::{AiError, AiErrorKind};
use crate::ledger::usage::Usage;
use crate::value::Cost;

/// The number of rows that are settled concurrently.
const CONCURRENT_WRITES: usize = 32;

/// The result of one batch item.
#[derive(Clone, Debug)]
pub struct BatchResponse {
    /// The custom id of the item.
    pub custom_id: String,
    /// The response, or the reason why there is none. A response that violates its schema is an error, and is charged.
    pub outcome: Result<BatchContent, AiError>,
    /// The tokens of the item.
    pub usage: Usage,
    /// The exact cost at the batch price.
    pub cost: Cost,
}

/// The response to one batch item.
#[derive(Clone, PartialEq)]
pub struct BatchContent {
    /// The text; for an object, its JSON as the model wrote it.
    pub text: String,
    /// The model's reasoning, if the provider returns it.
    pub reasoning: Option<String>,
    /// The reason why the model stopped.
    pub finish_reason: FinishReason,
    /// The tool calls that the model requests.
    pub tool_calls: Vec<ToolCall>,
    object: Option<(Value, ExpectedSchema)>,
}

impl BatchResponse {
    /// Returns the text of the response.
    ///
    /// # Errors
    /// The item's error.
    pub fn text(&self) -> Result<&str, AiError> {
        self.outcome.as_ref().map(|content| content.text.as_str()).map_err(Clone::clone)
    }

    /// Returns the response as a value of the type `T`.
    ///
    /// # Errors
    /// The item's error; [`AiErrorKind::InvalidResponse`] if the response is not a `T`.
    pub fn object<T: DeserializeOwned>(&self) -> Result<T, AiError> {
        let content = self.outcome.as_ref().map_err(Clone::clone)?;
        match &content.object {
            Some((value, expected)) => decode_object(value.clone(), expected),
            None => parse_without_schema(&content.text, &self.custom_id),
        }
    }
}

impl BatchContent {
    fn new(response: GenerateResponse, expected: Option<&ExpectedSchema>) -> Result<Self, AiError> {
        let object = match expected {
            Some(expected) => {
                let value = parse_object(&response.text, response.finish_reason, expected)?;
                Some((value, expected.clone()))
            }
            None => None,
        };
        Ok(Self {
            text: response.text,
            reasoning: response.reasoning,
            finish_reason: response.finish_reason,
            tool_calls: response.tool_calls,
            object,
        })
    }
}

/// Fetches the results of a terminal batch and settles the rows of its items.
pub(super) async fn fetch(batch: &AiBatch, ticket: &BatchTicket) -> Result<Vec<BatchResponse>, AiError> {
    let session = &batch.session;
    let target = BatchTarget::new(session, &ticket.model)?;
    let provider = target.provider()?;
    let submitted = ticket.submitted();
    let status = batch.with_retries(|| provider.status(&submitted)).await?;
    if !status.state.is_terminal() {
        let message = format!("batch `{}` is not terminal: check its status first", ticket.batch_id);
        return Err(AiError::new(AiErrorKind::InvalidRequest, message));
    }
    let mut results = HashMap::new();
    for result in batch.with_retries(|| provider.results(&submitted)).await? {
        results.entry(result.custom_id).or_insert(result.outcome);
    }
    let capture = session.client()?.settings().responses;
    let mut responses = Vec::new();
    let mut settlements = Vec::new();
    for item in &ticket.items {
        let (response, outcome) = match results.remove(&item.custom_id) {
            Some(Ok(response)) => succeeded(ticket, item, response, &target.model, capture),
            Some(Err(error)) => failed(item, error),
            None => failed(item, missing(ticket, item, &status)),
        };
        settlements.push(Settlement::new(
            Arc::clone(session.ledger()),
            Some(&ticket.model),
            item.call_id,
            outcome,
        ));
        responses.push(response);
    }
    stream::iter(settlements).buffered(CONCURRENT_WRITES).try_collect::<()>().await?;
    Ok(responses)
}

fn succeeded(
    ticket: &BatchTicket,
    item: &TicketItem,
    response: GenerateResponse,
    model: &ModelConfig,
    capture: ContentCapture,
) -> (BatchResponse, CallOutcome) {
    let usage = response.usage;
    let cost = model.cost(&usage, true);
    let mut metadata = Map::new();
    metadata.insert("custom_id".to_owned(), item.custom_id.clone().into());
    metadata.insert("batch".to_owned(), ticket.batch_id.clone().into());
    describe_response(&mut metadata, response.finish_reason, response.reasoning.is_some());
    let text = capture.capture(|| response_text(&response.text, &response.tool_calls));
    let settled = settled(text, usage, cost, metadata);
    let expected = item.schema.and_then(|index| ticket.schemas.get(index));
    let outcome = BatchContent::new(response, expected);
    (BatchResponse { custom_id: item.custom_id.clone(), outcome, usage, cost }, settled)
}

/// Providers do not charge for failed items. An unreadable response is different: the provider served it.
fn failed(item: &TicketItem, error: AiError) -> (BatchResponse, CallOutcome) {
    let text = error.to_string();
    let outcome = match error.kind() {
        AiErrorKind::InvalidResponse | AiErrorKind::Truncated => CallOutcome::Unknown { error: text },
        _ => CallOutcome::Failed { error: text },
    };
    let custom_id = item.custom_id.clone();
    (BatchResponse { custom_id, outcome: Err(error), usage: Usage::default(), cost: Cost::ZERO }, outcome)
}

/// Returns the error of an item that the provider returned no result for.
fn missing(ticket: &BatchTicket, item: &TicketItem, status: &BatchStatus) -> AiError {
    let (kind, cause) = match status.state {
        BatchState::Expired => (AiErrorKind::Timeout, "the batch expired"),
        BatchState::Cancelled => (AiErrorKind::Cancelled, "the batch was cancelled"),
        BatchState::Failed => {
            (AiErrorKind::InvalidRequest, status.message.as_deref().unwrap_or("the batch failed"))
        }
        _ => (AiErrorKind::InvalidResponse, "the batch completed without it"),
    };
    let message =
        format!("item `{}` of batch `{}` has no response: {cause}", item.custom_id, ticket.batch_id);
    AiError::new(kind, message)
}

impl fmt::Debug for BatchContent {
    /// Shows no response, since debug output reaches logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchContent")
            .field("characters", &self.text.chars().count())
            .field("finish_reason", &self.finish_reason)
            .finish_non_exhaustive()
    }
}
