//! Handing a batch over.

use std::time::Duration;

use reqwest::multipart::{Form, Part};
use serde::Deserialize;
use serde_json::json;

use super::TIMEOUT;
use super::record::{Record, TOKEN};
use crate::ai::batch::{BatchItem, SubmittedBatch};
use crate::ai::providers::OpenAi;
use crate::ledger::ai_error::{AiError, AiErrorKind};

/// For the file, over a slow line.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// What OpenAI takes.
const MOST_ITEMS: usize = 50_000;
/// What OpenAI takes, in bytes.
const LONGEST_FILE: usize = 200_000_000;
/// As items name it, whatever the base URL is.
const ENDPOINT: &str = "/v1/chat/completions";

#[derive(Deserialize)]
struct File {
    id: String,
}

pub(super) async fn submit(
    provider: &OpenAi,
    token: &str,
    items: &[BatchItem],
) -> Result<SubmittedBatch, AiError> {
    let lines = lines(provider, items)?;
    let part = Part::bytes(lines).file_name("batch.jsonl");
    let form = Form::new().text("purpose", "batch").part("file", part);
    let file: File = provider.endpoint.upload("files", form, UPLOAD_TIMEOUT).await?;
    let body = json!({
        "input_file_id": file.id,
        "endpoint": ENDPOINT,
        "completion_window": "24h",
        "metadata": { TOKEN: token },
    });
    let record: Record = provider.endpoint.post("batches", &body, TIMEOUT).await?;
    Ok(SubmittedBatch { id: record.id })
}

fn lines(provider: &OpenAi, items: &[BatchItem]) -> Result<Vec<u8>, AiError> {
    let refuse = |message: String| Err(AiError::new(AiErrorKind::InvalidRequest, message));
    let Some(first) = items.first() else {
        return refuse("a batch has at least one item".to_owned());
    };
    if items.len() > MOST_ITEMS {
        return refuse(format!("a batch has at most {MOST_ITEMS} items, this one has {}", items.len()));
    }
    let mut lines = Vec::new();
    for item in items {
        if item.request.model.id != first.request.model.id {
            let (one, other) = (&first.request.model.id, &item.request.model.id);
            return refuse(format!("a batch asks one model, this one asks `{one}` and `{other}`"));
        }
        let body = provider.body(&item.request)?;
        let line = json!({ "custom_id": item.custom_id, "method": "POST", "url": ENDPOINT, "body": body });
        lines.extend_from_slice(line.to_string().as_bytes());
        lines.push(b'\n');
        if lines.len() > LONGEST_FILE {
            return refuse("a batch is at most 200 MB long; make several of it".to_owned());
        }
    }
    Ok(lines)
}
