//! Models by the keys under which a program calls them.

use std::collections::BTreeMap;

use super::builtin;
use super::filter::ModelFilter;
use crate::ai::error::{AiError, AiErrorKind};
use crate::ai::model::ModelConfig;
use crate::ai::response::Usage;
use crate::value::{Cost, nearest};

/// The models that a program may call, by key. A key is the program's own: `fast` may be another model tomorrow.
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
    /// Without any model.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With current models of three providers (`anthropic`, `google`, `openai`), each under its own name and with the date of its price.
    /// Prices change: register what you call with the price that you pay.
    ///
    /// Models are left out whose price depends on the length of the prompt or on writes to a cache, for one price a
    /// model would be wrong for them; and so are prices with a date on which they end.
    #[must_use]
    pub fn builtin() -> Self {
        Self { models: builtin::models() }
    }

    /// Adds models, each under a key; one that has the key already is replaced.
    ///
    /// # Errors
    /// [`AiErrorKind::InvalidRequest`] when a key, an id or a provider is empty, or a discount is more than 100 percent;
    /// then none is added.
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

    /// The model with this key.
    ///
    /// # Errors
    /// [`AiErrorKind::NotFound`], listing what is registered, the nearest name first.
    pub fn get(&self, key: &str) -> Result<&ModelConfig, AiError> {
        self.models.get(key).ok_or_else(|| {
            let keys: Vec<&str> = self.models.keys().map(String::as_str).collect();
            AiError::new(AiErrorKind::NotFound, unknown("model", key, &keys))
        })
    }

    /// The models that the filter admits, in order of their keys.
    #[must_use]
    pub fn list_models(&self, filter: &ModelFilter) -> Vec<(&str, &ModelConfig)> {
        let models = self.models.iter().filter(|(_, model)| filter.admits(model));
        models.map(|(key, model)| (key.as_str(), model)).collect()
    }

    /// As [`ModelConfig::cost`], for the model with this key.
    ///
    /// # Errors
    /// [`AiErrorKind::NotFound`] as [`get`](Self::get).
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

/// Says that there is no such thing, and what there is: the nearest name first, if there is one, the rest in order.
pub(in crate::ai) fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let shown: String = name.chars().take(100).collect();
    if known.is_empty() {
        return format!("{what} `{shown}` is not registered; none is");
    }
    let near = nearest(name, known);
    let others = known.iter().copied().filter(|other| Some(*other) != near);
    let names: Vec<String> = near.into_iter().chain(others).map(|name| format!("`{name}`")).collect();
    format!("{what} `{shown}` is not registered; registered are: {}", names.join(", "))
}
