//! Vectors.

use serde::Deserialize;
use serde_json::{Value, json};

use super::request::model_path;
use crate::ai::http::{Endpoint, lay_over};
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

/// The body of `batchEmbedContents`: a request for each text. The provider's own options belong to each of them.
pub(super) fn body(request: &EmbedRequest) -> Value {
    let mut one = json!({"model": model_path(&request.model.id)});
    if let Some(task_type) = request.task_type {
        one["taskType"] = json!(task_type);
    }
    if let Some(dimensions) = request.dimensions {
        one["outputDimensionality"] = dimensions.into();
    }
    if let Some(options) = &request.provider_options {
        lay_over(&mut one, options);
    }
    let requests = request.texts.iter().map(|text| {
        let mut one = one.clone();
        one["content"] = json!({"parts": [{"text": text}]});
        one
    });
    json!({"requests": requests.collect::<Vec<_>>()})
}

pub(super) fn read(
    body: EmbeddingsBody,
    request: &EmbedRequest,
    endpoint: &Endpoint,
) -> Result<EmbedResponse, AiError> {
    let (asked, given) = (request.texts.len(), body.embeddings.len());
    if asked != given {
        return Err(endpoint.malformed(format_args!("it has {given} vectors for {asked} texts")));
    }
    let counted = body.usage_metadata.map(|usage| usage.prompt_token_count);
    Ok(EmbedResponse {
        embeddings: body.embeddings.into_iter().map(|embedding| embedding.values).collect(),
        usage: Usage {
            input_tokens: counted.unwrap_or_else(|| estimate(&request.texts)),
            ..Usage::default()
        },
    })
}

/// Some models do not say what they have counted, and are paid for all the same: four bytes make a token, as Google's
/// documentation has it of characters.
fn estimate(texts: &[String]) -> u64 {
    texts.iter().map(|text| text.len().div_ceil(4) as u64).sum()
}
