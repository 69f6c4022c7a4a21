//! How a stage calls models.

use std::sync::Arc;

use super::{AiSession, Shared, topic};
use crate::ai::client::AiClient;
use crate::context::StageContext;
use crate::ledger::CallLedger;

impl<S> StageContext<S> {
    /// Calls language models, under the topic `workflow.{run}.stage.{stage}`, in the ledger of this attempt, until it
    /// is cancelled.
    ///
    /// Without a client ([`EngineBuilder::ai`](crate::EngineBuilder::ai)) every call answers an error that says so.
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
    /// // In a test: a provider that answers from a list.
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
        let topic = topic::join("workflow", &[&run_id, "stage", self.stage_id()]);
        AiSession { topic, shared: Arc::new(shared) }
    }

    /// The same context with a client, for a unit test of a stage's function.
    #[must_use]
    pub fn with_ai(self, client: &AiClient) -> Self {
        self.changed(|parts| parts.services.extensions.insert(client.clone()))
    }

    /// The same context with a ledger, for a unit test that looks at what was written: a
    /// [`MemoryLedger`](crate::ai::MemoryLedger), for example.
    #[must_use]
    pub fn with_calls(self, ledger: Arc<dyn CallLedger>) -> Self {
        self.changed(|parts| parts.services.calls = ledger)
    }
}
