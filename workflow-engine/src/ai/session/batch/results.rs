//! What became of a batch, and of its rows in the ledger.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Map;

use super::response::{BatchContent, BatchResponse};
use super::ticket::{BatchTicket, TicketItem};
use super::{AiBatch, FarSide};
use crate::ai::batch::{BatchState, BatchStatus};
use crate::ai::content_capture::ContentCapture;
use crate::ai::error::{AiError, AiErrorKind};
use crate::ai::model::ModelConfig;
use crate::ai::response::{GenerateResponse, Usage};
use crate::ai::session::ending::Ending;
use crate::ai::session::request::json;
use crate::ai::session::steps::describe;
use crate::ai::session::transcript;
use crate::ledger::{CallOutcome, SettledCall};
use crate::value::Cost;

/// How many rows are written at the same time.
const WRITES: usize = 32;

pub(super) async fn fetch(batch: &AiBatch, ticket: &BatchTicket) -> Result<Vec<BatchResponse>, AiError> {
    let helper = &batch.helper;
    let far = FarSide::new(helper, &ticket.model)?;
    let batches = far.batches()?;
    let submitted = ticket.submitted();
    let status = batch.repeat(|| batches.status(&submitted)).await?;
    if !status.state.is_over() {
        let message = format!("batch `{}` is not over: ask for its status first", ticket.batch_id);
        return Err(AiError::new(AiErrorKind::InvalidRequest, message));
    }
    let mut outcomes = HashMap::new();
    for result in batch.repeat(|| batches.results(&submitted)).await? {
        outcomes.entry(result.custom_id).or_insert(result.outcome);
    }
    let responses = helper.client()?.settings().responses;
    let mut answers = Vec::new();
    let mut endings = Vec::new();
    for item in &ticket.items {
        let (answer, end) = match outcomes.remove(&item.custom_id) {
            Some(Ok(response)) => answered(ticket, item, response, &far.model, responses),
            Some(Err(error)) => failed(item, error),
            None => failed(item, missing(ticket, item, &status)),
        };
        endings.push(Ending::new(Arc::clone(helper.ledger()), item.call_id, end));
        answers.push(answer);
    }
    stream::iter(endings).buffered(WRITES).try_collect::<()>().await?;
    Ok(answers)
}

fn answered(
    ticket: &BatchTicket,
    item: &TicketItem,
    response: GenerateResponse,
    model: &ModelConfig,
    responses: ContentCapture,
) -> (BatchResponse, CallOutcome) {
    let usage = response.usage;
    let cost = model.cost(&usage, true);
    let mut metadata = Map::new();
    metadata.insert("custom_id".to_owned(), item.custom_id.clone().into());
    metadata.insert("batch".to_owned(), ticket.batch_id.clone().into());
    describe(&mut metadata, &response);
    let settled = SettledCall {
        response: responses.keep(|| transcript::answer(&response.text, &response.tool_calls)),
        input_tokens: usage.input_tokens,
        cached_input_tokens: usage.cached_input_tokens,
        output_tokens: usage.output_tokens,
        cost,
        metadata: json(metadata),
    };
    let expected = item.schema.and_then(|place| ticket.schemas.get(place));
    let outcome = BatchContent::new(response, expected);
    (BatchResponse { custom_id: item.custom_id.clone(), outcome, usage, cost }, CallOutcome::Settled(settled))
}

/// No provider asks money for an item that has failed; but an answer that cannot be read is one.
fn failed(item: &TicketItem, error: AiError) -> (BatchResponse, CallOutcome) {
    let text = error.to_string();
    let end = match error.kind() {
        AiErrorKind::InvalidResponse | AiErrorKind::Truncated => CallOutcome::Unknown { error: text },
        _ => CallOutcome::Failed { error: text },
    };
    let custom_id = item.custom_id.clone();
    (BatchResponse { custom_id, outcome: Err(error), usage: Usage::default(), cost: Cost::ZERO }, end)
}

/// Why an item has no result.
fn missing(ticket: &BatchTicket, item: &TicketItem, status: &BatchStatus) -> AiError {
    let (kind, why) = match status.state {
        BatchState::Expired => (AiErrorKind::Timeout, "the batch has expired"),
        BatchState::Cancelled => (AiErrorKind::Cancelled, "the batch was cancelled"),
        BatchState::Failed => {
            (AiErrorKind::InvalidRequest, status.message.as_deref().unwrap_or("the batch has failed"))
        }
        _ => (AiErrorKind::InvalidResponse, "the batch is completed without it"),
    };
    let message = format!("item `{}` of batch `{}` was not answered: {why}", item.custom_id, ticket.batch_id);
    AiError::new(kind, message)
}
