//! The filter for listing models.

use crate::ai::model::ModelConfig;

/// A filter for [`ModelRegistry::list_models`](super::ModelRegistry::list_models). It admits the models that meet all of
/// its conditions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelFilter {
    provider: Option<String>,
    is_embedding_model: Option<bool>,
    supports_async_batch: Option<bool>,
    supports_tools: Option<bool>,
    supports_structured_outputs: Option<bool>,
}

impl ModelFilter {
    /// Creates a filter that admits all models.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Admits models of this provider.
    #[must_use]
    pub fn provider(mut self, provider: impl Into<String>) -> Self {
        self.provider = Some(provider.into());
        self
    }

    /// Admits embedding models if `yes`, otherwise the other models.
    #[must_use]
    pub const fn embedding(mut self, yes: bool) -> Self {
        self.is_embedding_model = Some(yes);
        self
    }

    /// Admits models that support batches if `yes`, otherwise the other models.
    #[must_use]
    pub const fn async_batch(mut self, yes: bool) -> Self {
        self.supports_async_batch = Some(yes);
        self
    }

    /// Admits models that support tools if `yes`, otherwise the other models.
    #[must_use]
    pub const fn tools(mut self, yes: bool) -> Self {
        self.supports_tools = Some(yes);
        self
    }

    /// Admits models that support schemas if `yes`, otherwise the other models.
    #[must_use]
    pub const fn structured_outputs(mut self, yes: bool) -> Self {
        self.supports_structured_outputs = Some(yes);
        self
    }

    pub(super) fn admits(&self, model: &ModelConfig) -> bool {
        let flags = [
            (self.is_embedding_model, model.is_embedding_model),
            (self.supports_async_batch, model.supports_async_batch),
            (self.supports_tools, model.supports_tools),
            (self.supports_structured_outputs, model.supports_structured_outputs),
        ];
        self.provider.as_ref().is_none_or(|provider| *provider == model.provider)
            && flags.into_iter().all(|(required, actual)| required.is_none_or(|required| required == actual))
    }
}
