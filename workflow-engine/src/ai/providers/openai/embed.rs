//! Embeddings.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::body::apply_options;
use super::usage::WireUsage;
use crate::ai::http::Endpoint;
use crate::ai::request::EmbedRequest;
use crate::ai::response::EmbedResponse;
use crate::ledger::ai_error::AiError;
use crate::ledger::usage::Usage;

#[derive(Deserialize)]
struct EmbeddingsBody {
    #[serde(default)]
    data: Vec<Item>,
    #[serde(default)]
    usage: Option<WireUsage>,
}

#[derive(Deserialize)]
struct Item {
    index: usize,
    embedding: Vector,
}

/// A vector as numbers, or in base64, which a request selects with `encoding_format`.
struct Vector(Vec<f32>);

/// Requests embeddings. OpenAI has no field for their purpose, so the task type is not sent.
pub(super) async fn embed(endpoint: &Endpoint, request: &EmbedRequest) -> Result<EmbedResponse, AiError> {
    let mut body = json!({ "model": request.model.id, "input": request.texts });
    if let Some(dimensions) = request.dimensions {
        body["dimensions"] = dimensions.into();
    }
    apply_options(&mut body, request.provider_options.as_ref())?;
    let response: EmbeddingsBody = endpoint.post("embeddings", &body, request.timeout).await?;
    let usage = response.usage.map(Usage::from).unwrap_or_default();
    let mut embeddings = vec![None; request.texts.len()];
    for item in response.data {
        // By index, because the API does not guarantee the order.
        match embeddings.get_mut(item.index) {
            Some(slot @ None) => *slot = Some(item.embedding.0),
            _ => return Err(endpoint.malformed("it has too many vectors").with_usage(usage)),
        }
    }
    let embeddings: Option<Vec<Vec<f32>>> = embeddings.into_iter().collect();
    let Some(embeddings) = embeddings else {
        return Err(endpoint.malformed("it has fewer vectors than texts").with_usage(usage));
    };
    Ok(EmbedResponse { embeddings, usage })
}

impl<'de> Deserialize<'de> for Vector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Vector;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array of numbers, or a base64 string")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Vector, A::Error> {
                let mut vector = Vec::new();
                while let Some(number) = numbers.next_element()? {
                    vector.push(number);
                }
                Ok(Vector(vector))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Vector, E> {
                let bytes = STANDARD.decode(text).map_err(|_| E::custom("invalid base64"))?;
                let (numbers, []) = bytes.as_chunks::<4>() else {
                    return Err(E::custom("incomplete numbers"));
                };
                Ok(Vector(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()))
            }
        }

        deserializer.deserialize_any(Either)
    }
}
