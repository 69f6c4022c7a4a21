//! The registry of models, by key.

use std::collections::BTreeMap;

use super::builtin;
use super::filter::ModelFilter;
use crate::ai::model::ModelConfig;
use crate::ledger::ai_error::{AiError, AiErrorKind};
use crate::ledger::usage::Usage;
use crate::value::{Cost, nearest};

/// The models that a program can call, by key.
///
/// The program chooses the keys, so that a key such as `fast` can refer to another model later.
///
/// ```
/// use workflow_engine::ai::{ModelFilter, ModelRegistry};
///
/// let models = ModelRegistry::builtin();
/// let embedding = models.list_models(&ModelFilter::new().provider("openai").embedding(true));
/// let keys: Vec<&str> = embedding.iter().map(|(key, _)| *key).collect();
/// assert_eq!(keys, ["text-embedding-3-large", "text-embedding-3-small"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelRegistry {
    models: BTreeMap<String, ModelConfig>,
}

impl ModelRegistry {
    /// Creates a registry without models.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a registry with current models of the providers `anthropic`, `google` and `openai`. The key of each is its
    /// id, and [`priced_at`](ModelConfig::priced_at) is the date of its prices.
    ///
    /// Prices change: register the models that you call with the prices that you pay. Models whose price depends on the
    /// length of the prompt or on cache writes are not included, because a single price would be wrong for them; nor are
    /// prices with an announced end.
    #[must_use]
    pub fn builtin() -> Self {
        Self { models: builtin::models() }
    }

    /// Registers models under keys, and replaces models with the same keys.
    ///
    /// # Errors
    /// [`AiErrorKind::InvalidRequest`] if a key, an id or a provider is empty, or a discount exceeds 100 percent. In that
    /// case no model is registered.
    pub fn register_models<K: Into<String>>(
        &mut self,
        models: impl IntoIterator<Item = (K, ModelConfig)>,
    ) -> Result<(), AiError> {
        let models: Vec<(String, ModelConfig)> =
            models.into_iter().map(|(key, model)| (key.into(), model)).collect();
        for (key, model) in &models {
            check(key, model)?;
        }
        self.models.extend(models);
        Ok(())
    }

    /// Returns the model with this key.
    ///
    /// # Errors
    /// [`AiErrorKind::NotFound`], with a list of the registered keys, the most similar first.
    pub fn get(&self, key: &str) -> Result<&ModelConfig, AiError> {
        self.models.get(key).ok_or_else(|| {
            let keys: Vec<&str> = self.models.keys().map(String::as_str).collect();
            AiError::new(AiErrorKind::NotFound, not_registered("model", key, &keys))
        })
    }

    /// Returns the models that the filter admits, in the order of their keys.
    #[must_use]
    pub fn list_models(&self, filter: &ModelFilter) -> Vec<(&str, &ModelConfig)> {
        let models = self.models.iter().filter(|(_, model)| filter.admits(model));
        models.map(|(key, model)| (key.as_str(), model)).collect()
    }

    /// Computes the cost of a call to the model with this key. See [`ModelConfig::cost`].
    ///
    /// # Errors
    /// [`AiErrorKind::NotFound`], as in [`get`](Self::get).
    pub fn calculate_cost(&self, key: &str, usage: &Usage, batch: bool) -> Result<Cost, AiError> {
        Ok(self.get(key)?.cost(usage, batch))
    }
}

fn check(key: &str, model: &ModelConfig) -> Result<(), AiError> {
    let fault = if key.is_empty() {
        "a model has an empty key".to_owned()
    } else if model.id.is_empty() || model.provider.is_empty() {
        format!("model `{key}` needs an id and a provider")
    } else if model.batch_discount_percent > 100 {
        format!("model `{key}` has a batch discount of {} percent", model.batch_discount_percent)
    } else {
        return Ok(());
    };
    Err(AiError::new(AiErrorKind::InvalidRequest, fault))
}

/// Returns the message for a name that is not registered. It lists the registered names, the most similar first and the
/// others in order.
pub(in crate::ai) fn not_registered(kind: &str, name: &str, known: &[&str]) -> String {
    let shown: String = name.chars().take(100).collect();
    if known.is_empty() {
        return format!("{kind} `{shown}` is not registered; none is registered");
    }
    let near = nearest(name, known);
    let others = known.iter().copied().filter(|other| Some(*other) != near);
    let names: Vec<String> = near.into_iter().chain(others).map(|name| format!("`{name}`")).collect();
    format!("{kind} `{shown}` is not registered; registered are: {}", names.join(", "))
}
