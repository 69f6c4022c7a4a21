//! A model with round prices, and clients and sessions that call it.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use workflow_engine::Cost;
use workflow_engine::ai::{
    AiClient, AiClientBuilder, AiError, AiErrorKind, AiSession, MemoryLedger, ModelConfig, ModelRegistry,
    ScriptedProvider, Usage,
};
use workflow_engine::ports::Clock;

/// Makes a model that costs 1 USD for a million input tokens and 4 USD for a million output tokens, with half off in
/// batches.
pub fn round() -> ModelConfig {
    let dollars = |dollars: i64| Cost::from_picodollars(dollars * 1_000_000_000_000);
    ModelConfig {
        id: "m-1".into(),
        name: "M".into(),
        provider: "test".into(),
        input_cost_per_million: dollars(1),
        output_cost_per_million: dollars(4),
        cached_input_cost_per_million: None,
        supports_async_batch: true,
        batch_discount_percent: 50,
        is_embedding_model: false,
        supports_tools: true,
        supports_structured_outputs: true,
        context_length: Some(100_000),
        max_completion_tokens: Some(10_000),
        priced_at: None,
    }
}

/// Makes a client of the model `m`, which this provider serves. The client's waits take no time.
pub fn client(provider: &ScriptedProvider) -> AiClientBuilder {
    AiClient::builder()
        .models(ModelRegistry::new())
        .model("m", round())
        .provider(provider.clone())
        .clock(NoWaits)
}

/// Makes a session under the topic `t`, and its ledger.
pub fn session(provider: &ScriptedProvider) -> (AiSession, Arc<MemoryLedger>) {
    let ledger = Arc::new(MemoryLedger::new());
    let client = client(provider).build().unwrap();
    (AiSession::new(&client, "t", ledger.clone()), ledger)
}

/// Makes a usage of input and output tokens.
pub const fn usage(input: u64, output: u64) -> Usage {
    Usage { input_tokens: input, cached_input_tokens: 0, output_tokens: output }
}

/// Makes the error of a provider with this status.
pub fn error(kind: AiErrorKind, status: u16) -> AiError {
    AiError::new(kind, "no").with_status(status)
}

/// A clock whose waits take no time.
pub struct NoWaits;

#[async_trait]
impl Clock for NoWaits {
    fn now(&self) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH
    }

    async fn sleep_until(&self, _: DateTime<Utc>) {}
}
