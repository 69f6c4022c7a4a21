//! How a stage calls a language model.

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::ruled;
use crate::definition::{Bound, LengthUnit, Rule};

/// Which model a stage calls, and how.
///
/// ```
/// let ai = workflow_engine::presets::AiConfig::default();
/// assert_eq!((ai.model.as_str(), ai.temperature, ai.max_tokens), ("gemini-2.5-flash", 0.7, None));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AiConfig {
    /// The model's name, not empty. Default `gemini-2.5-flash`.
    #[schemars(schema_with = "model")]
    pub model: String,
    /// From 0, always the likeliest word, to 2. Default 0.7.
    #[schemars(schema_with = "temperature")]
    pub temperature: f64,
    /// The longest answer, in tokens, at least 1. Default: what the model allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "max_tokens")]
    pub max_tokens: Option<u32>,
}

impl Default for AiConfig {
    fn default() -> Self {
        Self { model: "gemini-2.5-flash".to_owned(), temperature: 0.7, max_tokens: None }
    }
}

fn model(generator: &mut SchemaGenerator) -> Schema {
    let rule = Rule::Length { unit: LengthUnit::Characters, min: Some(1), max: None };
    ruled::<String>(generator, &[rule])
}

fn temperature(generator: &mut SchemaGenerator) -> Schema {
    let rule = Rule::Range { min: Some(Bound::Int(0)), max: Some(Bound::Int(2)), exclusive: false };
    ruled::<f64>(generator, &[rule])
}

fn max_tokens(generator: &mut SchemaGenerator) -> Schema {
    let rule = Rule::Range { min: Some(Bound::Int(1)), max: None, exclusive: false };
    ruled::<Option<u32>>(generator, &[rule])
}
