//! How a stage reaches the ledger.

use std::sync::Arc;

use crate::context::stage_context::StageContext;
use crate::ledger::CallLedger;

impl<S> StageContext<S> {
    /// The ledger of this attempt's calls of language models: for a client of one's own. What a call can cost is
    /// reserved before it is made, and what it has cost is written whatever becomes of the attempt.
    ///
    /// ```
    /// use workflow_engine::ledger::{CallOutcome, CallReservation, SettledCall};
    /// use workflow_engine::prelude::*;
    /// use workflow_engine::records::CallType;
    ///
    /// #[stage(budget = "0.50 USD")]
    /// async fn summarise(text: String, ctx: &StageContext) -> StageResult<String> {
    ///     let call = CallReservation {
    ///         topic: format!("workflow.{}.stage.{}", ctx.run_id(), ctx.stage_id()),
    ///         call_type: CallType::Text,
    ///         model_key: "house-model".into(),
    ///         model_id: "house-model-2".into(),
    ///         prompt: Some(text),
    ///         metadata: None,
    ///         reserve: "0.02 USD".parse()?,
    ///     };
    ///     let id = ctx.ledger().reserve(call).await?; // it is on disk: the request may leave
    ///     let answer = "In short.".to_owned();
    ///     let cost = "0.0007 USD".parse()?;
    ///     let settled = SettledCall { response: Some(answer.clone()), output_tokens: 3, cost, ..Default::default() };
    ///     ctx.ledger().settle(id, CallOutcome::Settled(settled)).await?;
    ///     Ok(answer)
    /// }
    /// # workflow! { summary = summarise }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// # let engine = Engine::builder("memory:").register::<summary>().build().await?;
    /// # let run = engine.start::<summary>(SummariseInput { text: "At length.".into() }).await?;
    /// # run.output().await?;
    /// # assert_eq!(run.cost_summary().await?.cost.to_string(), "0.0007 USD");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn ledger(&self) -> &Arc<dyn CallLedger> {
        self.call_ledger()
    }
}
