//! The preset for calls to a language model.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::ruled;
use crate::definition::{Bound, LengthUnit, Rule};

/// The model that a stage calls, with its temperature and token limit.
///
/// ```
/// let ai = workflow_engine::presets::AiConfig::default();
/// assert_eq!((ai.model.as_str(), ai.temperature, ai.max_tokens), ("gemini-2.5-flash", None, None));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AiConfig {
    /// The key of the model, not empty. Default: `gemini-2.5-flash`.
    #[schemars(schema_with = "model")]
    pub model: String,
    /// The temperature, from 0 (always the most likely token) to 2. Default: none is sent, and the model uses its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "temperature")]
    pub temperature: Option<f64>,
    /// The maximum number of response tokens, at least 1. Default: the model's limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "max_tokens")]
    pub max_tokens: Option<u32>,
}

impl Default for AiConfig {
    fn default() -> Self {
        Self { model: "gemini-2.5-flash".to_owned(), temperature: None, max_tokens: None }
    }
}

fn model(generator: &mut SchemaGenerator) -> Schema {
    let rule = Rule::Length { unit: LengthUnit::Characters, min: Some(1), max: None };
    ruled::<String>(generator, &[rule])
}

fn temperature(generator: &mut SchemaGenerator) -> Schema {
    let rule = Rule::Range { min: Some(Bound::Int(0)), max: Some(Bound::Int(2)), exclusive: false };
    ruled::<Option<f64>>(generator, &[rule])
}

fn max_tokens(generator: &mut SchemaGenerator) -> Schema {
    let rule = Rule::Range { min: Some(Bound::Int(1)), max: None, exclusive: false };
    ruled::<Option<u32>>(generator, &[rule])
}
