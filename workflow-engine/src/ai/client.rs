//! The client: the providers, models and settings that all calls of a program share.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::backoff::RetryDelays;
use super::content_capture::ContentCapture;
use super::model::ModelConfig;
use super::models::{ModelFilter, ModelRegistry, not_registered};
use super::provider::AiProvider;
use crate::engine::EngineBuilder;
use crate::ledger::ai_error::{AiError, AiErrorKind};
use crate::ports::{Clock, SystemClock};

/// The providers, the models and the settings of calls. Clones share one client.
///
/// Pass it to [`EngineBuilder::ai`](crate::EngineBuilder::ai), and stages call through it with
/// [`ctx.ai()`](crate::StageContext::ai). Outside of stages, pass it to [`AiSession::new`](super::AiSession::new).
#[derive(Clone)]
pub struct AiClient {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
}

struct Shared {
    providers: BTreeMap<String, Arc<dyn AiProvider>>,
    models: ModelRegistry,
    settings: Settings,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) timeout: Duration,
    pub(super) stream_timeout: Duration,
    pub(super) retries: u32,
    pub(super) prompts: ContentCapture,
    pub(super) responses: ContentCapture,
}

impl AiClient {
    /// Creates a builder with the [built-in models](ModelRegistry::builtin) and no provider.
    pub fn builder() -> AiClientBuilder {
        AiClientBuilder {
            providers: Vec::new(),
            models: ModelRegistry::builtin(),
            registered: Vec::new(),
            clock: Arc::new(SystemClock),
            settings: Settings {
                timeout: Duration::from_secs(300),
                stream_timeout: Duration::from_secs(120),
                retries: 2,
                prompts: ContentCapture::Full,
                responses: ContentCapture::Full,
            },
        }
    }

    /// Returns the registered models.
    #[must_use]
    pub fn models(&self) -> &ModelRegistry {
        &self.shared.models
    }

    /// Returns the provider that serves a model.
    pub(super) fn provider_of(&self, key: &str, model: &ModelConfig) -> Result<Arc<dyn AiProvider>, AiError> {
        self.shared.providers.get(&model.provider).cloned().ok_or_else(|| {
            let ids: Vec<&str> = self.shared.providers.keys().map(String::as_str).collect();
            let missing = not_registered("provider", &model.provider, &ids);
            let remedy = "add it with `AiClientBuilder::provider`";
            AiError::new(
                AiErrorKind::NotFound,
                format!("model `{key}` cannot be called: {missing}; {remedy}"),
            )
        })
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(super) fn retry_delays(&self, retries: Option<u32>) -> RetryDelays {
        RetryDelays::new(retries.unwrap_or(self.shared.settings.retries))
    }

    /// Returns the same client with another clock.
    fn with_clock(&self, clock: &Arc<dyn Clock>) -> Self {
        Self { shared: Arc::clone(&self.shared), clock: Arc::clone(clock) }
    }
}

impl fmt::Debug for AiClient {
    /// Shows names alone, since a provider may hold a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let models: Vec<&str> =
            self.models().list_models(&ModelFilter::new()).into_iter().map(|(key, _)| key).collect();
        f.debug_struct("AiClient")
            .field("providers", &self.shared.providers.keys())
            .field("models", &models)
            .field("settings", &self.shared.settings)
            .finish_non_exhaustive()
    }
}

impl EngineBuilder {
    /// Sets the client through which stages call language models with [`ctx.ai()`](crate::StageContext::ai). Retry
    /// delays follow the engine's clock. Default: no client. The client is [`state`](Self::state): a stage can also take it as
    /// `#[state] client: &AiClient`.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "the engine owns its client, as it owns its other parts"
    )]
    pub fn ai(self, client: AiClient) -> Self {
        let client = client.with_clock(self.clock());
        self.state(client)
    }
}

/// Builds an [`AiClient`].
#[must_use = "a builder does nothing until `build` is called"]
pub struct AiClientBuilder {
    providers: Vec<Arc<dyn AiProvider>>,
    models: ModelRegistry,
    registered: Vec<(String, ModelConfig)>,
    clock: Arc<dyn Clock>,
    settings: Settings,
}

impl AiClientBuilder {
    /// Adds a provider. It serves the models whose [`provider`](super::ModelConfig::provider) is its id.
    pub fn provider(mut self, provider: impl AiProvider + 'static) -> Self {
        self.providers.push(Arc::new(provider));
        self
    }

    /// Registers a model under this key, and replaces a model with the same key.
    pub fn model(mut self, key: impl Into<String>, model: ModelConfig) -> Self {
        self.registered.push((key.into(), model));
        self
    }

    /// Replaces all models registered so far, including the built-in ones.
    pub fn models(mut self, models: ModelRegistry) -> Self {
        self.models = models;
        self.registered.clear();
        self
    }

    /// Sets the default timeout for a response; the provider enforces it. Default: 5 minutes, since models that reason
    /// respond slowly.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// Sets the default timeout for the next part of a stream. Default: 2 minutes.
    pub fn stream_timeout(mut self, timeout: Duration) -> Self {
        self.settings.stream_timeout = timeout;
        self
    }

    /// Sets the number of retries after a rate limit, an overloaded provider or a failed connection. Default: 2.
    ///
    /// The delays are 0.5 s, 1 s, 2 s, …, plus up to the same time again at random, or the delay that the provider
    /// requests. The retries of a stage come on top and are durable.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.settings.retries = retries;
        self
    }

    /// Sets how much of each prompt the ledger stores. Default: all of it.
    pub fn capture_prompts(mut self, capture: ContentCapture) -> Self {
        self.settings.prompts = capture;
        self
    }

    /// Sets how much of each response the ledger stores. Default: all of it.
    pub fn capture_responses(mut self, capture: ContentCapture) -> Self {
        self.settings.responses = capture;
        self
    }

    /// Sets the clock for retry delays outside of stages. Default: the system clock. Stages use the engine's clock.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Builds the client. It sends no request.
    ///
    /// # Errors
    /// [`AiErrorKind::InvalidRequest`] if two providers have the same id; the errors of
    /// [`ModelRegistry::register_models`].
    pub fn build(self) -> Result<AiClient, AiError> {
        let mut providers = BTreeMap::new();
        for provider in self.providers {
            let id = provider.id().to_owned();
            if providers.insert(id.clone(), provider).is_some() {
                let message = format!("two providers have the id `{id}`");
                return Err(AiError::new(AiErrorKind::InvalidRequest, message));
            }
        }
        let mut models = self.models;
        models.register_models(self.registered)?;
        let shared = Shared { providers, models, settings: self.settings };
        Ok(AiClient { shared: Arc::new(shared), clock: self.clock })
    }
}

impl fmt::Debug for AiClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let providers: Vec<&str> = self.providers.iter().map(|provider| provider.id()).collect();
        f.debug_struct("AiClientBuilder")
            .field("providers", &providers)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
