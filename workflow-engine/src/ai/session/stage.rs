//! The session of a stage.

use std::sync::Arc;

use super::{AiSession, Shared, join_topic};
use crate::ai::client::AiClient;
use crate::context::StageContext;
use crate::ledger::CallLedger;

impl<S> StageContext<S> {
    /// Returns the session through which this stage calls language models.
    ///
    /// Its calls are rows of this attempt's ledger under the topic `workflow.{run}.stage.{stage}`, and stop when the
    /// attempt is cancelled. If the engine has no client ([`EngineBuilder::ai`](crate::EngineBuilder::ai)), every call
    /// fails with [`Unsupported`](crate::ai::AiErrorKind::Unsupported).
    ///
    /// ```
    /// use workflow_engine::ai::{AiClient, ScriptedProvider, Usage};
    /// use workflow_engine::prelude::*;
    ///
    /// #[stage]
    /// async fn summarise(text: String, ctx: &StageContext) -> StageResult<String> {
    ///     let prompt = format!("In one sentence: {text}");
    ///     Ok(ctx.ai().generate_text("gemini-2.5-flash", prompt).max_tokens(200).await?.text)
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // In a test: a provider with scripted responses.
    /// let provider = ScriptedProvider::new("google").text("It is short.", Usage::default());
    /// let client = AiClient::builder().provider(provider).build()?;
    /// let ctx = StageContext::detached().with_ai(&client);
    /// assert_eq!(summarise("At length.".into(), &ctx).await.unwrap(), "It is short.");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn ai(&self) -> AiSession {
        let run_id = self.run_id().to_string();
        let shared = Shared {
            client: self.extensions().get::<AiClient>().cloned(),
            ledger: Arc::clone(self.ledger()),
            cancellation: self.cancellation().clone(),
            token: Some(self.idempotency_token()),
        };
        let topic = join_topic("workflow", &[&run_id, "stage", self.stage_id()]);
        AiSession { topic, shared: Arc::new(shared) }
    }

    /// Returns the same context with this client, for a unit test of a stage function.
    #[must_use]
    pub fn with_ai(self, client: &AiClient) -> Self {
        self.changed(|parts| parts.services.extensions.insert(client.clone()))
    }

    /// Returns the same context with this ledger, such as a [`MemoryLedger`](crate::ai::MemoryLedger), for a unit test
    /// that checks the recorded calls.
    #[must_use]
    pub fn with_calls(self, ledger: Arc<dyn CallLedger>) -> Self {
        self.changed(|parts| parts.services.calls = ledger)
    }
}
