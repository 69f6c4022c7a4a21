//! The results of a batch.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::Value;

use super::TIMEOUT;
use crate::ai::batch::{ItemResult, SubmittedBatch};
use crate::ai::http::Lines;
use crate::ai::providers::openai::OpenAi;
use crate::ai::providers::openai::response::{self, Completion};
use crate::ai::response::GenerateResponse;
use crate::ledger::ai_error::{AiError, AiErrorKind};

/// A line of the response file or of the error file.
#[derive(Deserialize)]
struct Line {
    custom_id: String,
    #[serde(default)]
    response: Option<Response>,
    /// The reason why the request was not sent to the model.
    #[serde(default)]
    error: Option<Failure>,
}

#[derive(Deserialize)]
struct Response {
    status_code: u16,
    #[serde(default)]
    body: Value,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
}

pub(super) async fn results(provider: &OpenAi, batch: &SubmittedBatch) -> Result<Vec<ItemResult>, AiError> {
    let record = provider.record(batch).await?;
    if !record.status(&provider.endpoint)?.state.is_terminal() {
        let message =
            format!("batch `{}` of provider `{}` is not terminal", batch.id, provider.endpoint.provider());
        return Err(AiError::new(AiErrorKind::InvalidRequest, message));
    }
    let mut results = Vec::new();
    let mut seen = HashSet::new();
    // The response file comes first: a response takes precedence over an error.
    for file in [record.output_file_id, record.error_file_id].into_iter().flatten() {
        if file.is_empty() {
            continue;
        }
        let mut lines = provider.endpoint.lines(&format!("files/{file}/content"), TIMEOUT).await?;
        while let Some(line) = next(provider, &mut lines).await? {
            if seen.insert(line.custom_id.clone()) {
                results
                    .push(ItemResult { custom_id: line.custom_id.clone(), outcome: outcome(provider, line) });
            }
        }
    }
    Ok(results)
}

async fn next(provider: &OpenAi, lines: &mut Lines) -> Result<Option<Line>, AiError> {
    let Some(line) = lines.next().await? else { return Ok(None) };
    let malformed = |_| provider.endpoint.malformed("a line of a batch file does not have the expected form");
    serde_json::from_slice(&line).map(Some).map_err(malformed)
}

fn outcome(provider: &OpenAi, line: Line) -> Result<GenerateResponse, AiError> {
    let endpoint = &provider.endpoint;
    if let Some(failure) = line.error {
        return Err(not_processed(provider, failure));
    }
    let Some(response) = line.response else {
        return Err(endpoint.malformed("a batch item has neither a response nor an error"));
    };
    if !(200..300).contains(&response.status_code) {
        return Err(endpoint.reported(&response.body, Some(response.status_code), None));
    }
    match serde_json::from_value::<Completion>(response.body) {
        Ok(completion) => response::response(endpoint, completion, None),
        Err(_) => Err(endpoint.malformed("the response to a batch item does not have the expected form")),
    }
}

fn not_processed(provider: &OpenAi, failure: Failure) -> AiError {
    let kind = match failure.code.as_deref() {
        Some("batch_expired" | "request_timeout") => AiErrorKind::Timeout,
        Some("batch_cancelled") => AiErrorKind::Cancelled,
        _ => {
            let error = serde_json::json!({ "code": failure.code, "message": failure.message });
            return provider.endpoint.reported(&error, None, None);
        }
    };
    let cause = failure.message.or(failure.code).unwrap_or_default();
    let (name, cause) = (provider.endpoint.provider(), provider.endpoint.redacted(&cause));
    AiError::new(kind, format!("provider `{name}` did not process the item: {cause}"))
}
