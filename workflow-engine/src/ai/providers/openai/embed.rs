//! Vectors.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{self, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::json;

use super::body::lay_options;
use super::usage::WireUsage;
use crate::ai::http::Endpoint;
use crate::ai::request::EmbedRequest;
use crate::ai::response::EmbedResponse;
use crate::ledger::ai_error::AiError;
use crate::ledger::usage::Usage;

#[derive(Deserialize)]
struct Answer {
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

/// Numbers, or the same in base64, which a request may ask for by `encoding_format`.
struct Vector(Vec<f32>);

/// What the vectors are for is not asked: OpenAI's models make the same of it.
pub(super) async fn embed(endpoint: &Endpoint, request: &EmbedRequest) -> Result<EmbedResponse, AiError> {
    let mut body = json!({ "model": request.model.id, "input": request.texts, "encoding_format": "float" });
    if let Some(dimensions) = request.dimensions {
        body["dimensions"] = dimensions.into();
    }
    lay_options(&mut body, request.provider_options.as_ref())?;
    let answer: Answer = endpoint.post("embeddings", &body, request.timeout).await?;
    let usage = answer.usage.map(Usage::from).unwrap_or_default();
    let mut embeddings = vec![None; request.texts.len()];
    for item in answer.data {
        // By their numbers, for nobody promises their order.
        match embeddings.get_mut(item.index) {
            Some(place @ None) => *place = Some(item.embedding.0),
            _ => return Err(endpoint.malformed("it has a vector too many").with_usage(usage)),
        }
    }
    let embeddings: Option<Vec<Vec<f32>>> = embeddings.into_iter().collect();
    let Some(embeddings) = embeddings else {
        return Err(endpoint.malformed("it has fewer vectors than there are texts").with_usage(usage));
    };
    Ok(EmbedResponse { embeddings, usage })
}

impl<'de> Deserialize<'de> for Vector {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = Vector;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("numbers, or base64 of them")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Vector, A::Error> {
                let mut vector = Vec::new();
                while let Some(number) = numbers.next_element()? {
                    vector.push(number);
                }
                Ok(Vector(vector))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Vector, E> {
                let bytes = STANDARD.decode(text).map_err(|_| E::custom("no base64"))?;
                let (numbers, []) = bytes.as_chunks::<4>() else {
                    return Err(E::custom("no whole numbers"));
                };
                Ok(Vector(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()))
            }
        }

        deserializer.deserialize_any(Either)
    }
}
