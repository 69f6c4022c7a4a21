//! The choice of a model, as every call takes it.

use crate::presets::AiConfig;

/// The model of a call: its key, or a stage's [`AiConfig`].
///
/// An `AiConfig` also provides the temperature and the maximum number of tokens, unless the call sets its own.
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
        Self { key: config.model.clone(), temperature: config.temperature, max_tokens: config.max_tokens }
    }
}
