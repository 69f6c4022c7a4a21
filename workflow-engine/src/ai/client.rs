//! Whom to call, and how: what all calls of a program share.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::backoff::Waits;
use super::content_capture::ContentCapture;
use super::error::{AiError, AiErrorKind};
use super::model::ModelConfig;
use super::models::{ModelRegistry, unknown};
use super::provider::AiProvider;
use crate::ports::{Clock, SystemClock};

/// Providers, models, and how calls are made. Clones are the same client.
///
/// Given to [`EngineBuilder::ai`](crate::EngineBuilder::ai), it is what stages call through
/// [`ctx.ai()`](crate::StageContext::ai); elsewhere, [`AiSession::new`](super::AiSession::new) takes it.
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
    /// Begins with the [models that are built in](ModelRegistry::builtin), and no provider.
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

    /// The models that can be called.
    #[must_use]
    pub fn models(&self) -> &ModelRegistry {
        &self.shared.models
    }

    /// The provider that serves a model.
    pub(super) fn provider_of(&self, key: &str, model: &ModelConfig) -> Result<Arc<dyn AiProvider>, AiError> {
        self.shared.providers.get(&model.provider).cloned().ok_or_else(|| {
            let known: Vec<&str> = self.shared.providers.keys().map(String::as_str).collect();
            let missing = unknown("provider", &model.provider, &known);
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

    pub(super) fn waits(&self, retries: Option<u32>) -> Waits {
        Waits::new(retries.unwrap_or(self.shared.settings.retries))
    }

    /// The same client in the time of an engine.
    pub(crate) fn with_clock(&self, clock: &Arc<dyn Clock>) -> Self {
        Self { shared: Arc::clone(&self.shared), clock: Arc::clone(clock) }
    }
}

impl fmt::Debug for AiClient {
    /// Names alone: a provider may hold a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let models: Vec<&str> =
            self.models().list_models(&super::ModelFilter::new()).into_iter().map(|(key, _)| key).collect();
        f.debug_struct("AiClient")
            .field("providers", &self.shared.providers.keys())
            .field("models", &models)
            .field("settings", &self.shared.settings)
            .finish_non_exhaustive()
    }
}

/// What an [`AiClient`] is made of.
#[must_use = "a client calls nobody until it is built"]
pub struct AiClientBuilder {
    providers: Vec<Arc<dyn AiProvider>>,
    models: ModelRegistry,
    registered: Vec<(String, ModelConfig)>,
    clock: Arc<dyn Clock>,
    settings: Settings,
}

impl AiClientBuilder {
    /// Adds whoever serves the models that name it.
    pub fn provider(mut self, provider: impl AiProvider + 'static) -> Self {
        self.providers.push(Arc::new(provider));
        self
    }

    /// Adds a model under a key, in the place of one that has it.
    pub fn model(mut self, key: impl Into<String>, model: ModelConfig) -> Self {
        self.registered.push((key.into(), model));
        self
    }

    /// Replaces all models so far, those that are built in included.
    pub fn models(mut self, models: ModelRegistry) -> Self {
        self.models = models;
        self.registered.clear();
        self
    }

    /// How long an answer may take, in a call that does not say it itself. It is the provider who keeps it. Default 5
    /// min: a model that reasons takes its time.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = timeout;
        self
    }

    /// The same for the next piece of a stream. Default 2 min.
    pub fn stream_timeout(mut self, timeout: Duration) -> Self {
        self.settings.stream_timeout = timeout;
        self
    }

    /// How often a call is repeated that was refused for its rate, found the provider overloaded, or lost its
    /// connection: after half a second, one, two, … and as much again at random, or after what the provider asks for.
    /// Default 2. A stage's own retries come on top, and are durable.
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.settings.retries = retries;
        self
    }

    /// How much of what is asked the ledger keeps. Default all.
    pub fn capture_prompts(mut self, capture: ContentCapture) -> Self {
        self.settings.prompts = capture;
        self
    }

    /// How much of what is answered the ledger keeps. Default all.
    pub fn capture_responses(mut self, capture: ContentCapture) -> Self {
        self.settings.responses = capture;
        self
    }

    /// The clock by which calls outside of stages wait. Default: the machine's. Stages have that of their engine.
    pub fn clock(mut self, clock: impl Clock + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Makes the client. Nothing is sent.
    ///
    /// # Errors
    /// [`AiErrorKind::InvalidRequest`] when two providers have one id, or as [`ModelRegistry::register_models`].
    pub fn build(self) -> Result<AiClient, AiError> {
        let mut providers = BTreeMap::new();
        for provider in self.providers {
            let id = provider.id().to_owned();
            if providers.insert(id.clone(), provider).is_some() {
                let message = format!("two providers are called `{id}`");
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
