//! The submission of a batch.

use std::time::Duration;

use reqwest::multipart::{Form, Part};
use serde::Deserialize;
use serde_json::json;

use super::TIMEOUT;
use super::record::{Record, TOKEN};
use crate::ai::batch::{BatchItem, SubmittedBatch};
use crate::ai::providers::openai::OpenAi;
use crate::ledger::ai_error::{AiError, AiErrorKind};

/// For the upload of the file over a slow connection.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(15 * 60);
/// OpenAI's limit.
const MAX_ITEMS: usize = 50_000;
/// OpenAI's limit, in bytes.
const MAX_FILE_BYTES: usize = 200_000_000;
/// The endpoint as items name it, regardless of the base URL.
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
        return refuse("the batch has no items".to_owned());
    };
    if items.len() > MAX_ITEMS {
        return refuse(format!("the batch has {} items, but at most {MAX_ITEMS} are allowed", items.len()));
    }
    let mut lines = Vec::new();
    for item in items {
        if item.request.model.id != first.request.model.id {
            let (one, other) = (&first.request.model.id, &item.request.model.id);
            return refuse(format!("a batch must have one model, not `{one}` and `{other}`"));
        }
        let body = provider.body(&item.request)?;
        let line = json!({ "custom_id": item.custom_id, "method": "POST", "url": ENDPOINT, "body": body });
        lines.extend_from_slice(line.to_string().as_bytes());
        lines.push(b'\n');
        if lines.len() > MAX_FILE_BYTES {
            return refuse("the batch is longer than 200 MB: split it".to_owned());
        }
    }
    Ok(lines)
}
