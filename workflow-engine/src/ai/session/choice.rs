//! Which model is asked.

use crate::presets::AiConfig;

/// A model by its key, or what a stage's [`AiConfig`] says: the model, and with it the temperature and the longest
/// answer, where the call does not say them itself.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelChoice {
    pub(super) key: String,
    pub(super) temperature: Option<f64>,
    pub(super) max_tokens: Option<u32>,
}

impl From<&str> for ModelChoice {
    fn from(key: &str) -> Self {
        Self { key: key.to_owned(), temperature: None, max_tokens: None }
    }
}

impl From<String> for ModelChoice {
    fn from(key: String) -> Self {
        Self { key, temperature: None, max_tokens: None }
    }
}

impl From<&String> for ModelChoice {
    fn from(key: &String) -> Self {
        Self::from(key.as_str())
    }
}

impl From<&AiConfig> for ModelChoice {
    fn from(config: &AiConfig) -> Self {
        Self {
            key: config.model.clone(),
            temperature: Some(config.temperature),
            max_tokens: config.max_tokens,
        }
    }
}
