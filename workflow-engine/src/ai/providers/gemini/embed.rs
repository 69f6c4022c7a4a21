//! Embeddings.

use serde::Deserialize;
use serde_json::{Value, json};

use super::request::model_path;
use crate::ai::http::{Endpoint, merge_options};
use crate::ai::request::EmbedRequest;
use crate::ai::response::EmbedResponse;
use crate::ledger::ai_error::AiError;
use crate::ledger::usage::Usage;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EmbeddingsBody {
    #[serde(default)]
    embeddings: Vec<Embedding>,
    #[serde(default)]
    usage_metadata: Option<UsageBody>,
}

#[derive(Deserialize)]
struct Embedding {
    values: Vec<f32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UsageBody {
    #[serde(default)]
    prompt_token_count: u64,
}

/// Returns the body of `batchEmbedContents`, with one request for each text. The provider options apply to each request.
pub(super) fn body(request: &EmbedRequest) -> Value {
    let mut template = json!({"model": model_path(&request.model.id)});
    if let Some(task_type) = request.task_type {
        template["taskType"] = json!(task_type);
    }
    if let Some(dimensions) = request.dimensions {
        template["outputDimensionality"] = dimensions.into();
    }
    if let Some(options) = &request.provider_options {
        merge_options(&mut template, options);
    }
    let requests = request.texts.iter().map(|text| {
        let mut request = template.clone();
        request["content"] = json!({"parts": [{"text": text}]});
        request
    });
    json!({"requests": requests.collect::<Vec<_>>()})
}

pub(super) fn read(
    body: EmbeddingsBody,
    request: &EmbedRequest,
    endpoint: &Endpoint,
) -> Result<EmbedResponse, AiError> {
    let (expected, actual) = (request.texts.len(), body.embeddings.len());
    if expected != actual {
        return Err(endpoint.malformed(format_args!("it has {actual} vectors for {expected} texts")));
    }
    let reported = body.usage_metadata.map(|usage| usage.prompt_token_count);
    Ok(EmbedResponse {
        embeddings: body.embeddings.into_iter().map(|embedding| embedding.values).collect(),
        usage: Usage {
            input_tokens: reported.unwrap_or_else(|| estimate(&request.texts)),
            ..Usage::default()
        },
    })
}

/// Estimates the tokens for models that report none but charge for them: four bytes per token, as Google's documentation
/// states for characters.
fn estimate(texts: &[String]) -> u64 {
    texts.iter().map(|text| text.len().div_ceil(4) as u64).sum()
}
