//! What calls of models have cost.

use std::sync::Arc;

use super::{Engine, RunHandle};
use crate::error::Error;
use crate::kernel::RaiseBudget;
use crate::ledger::{CallLedger, CallStatistics};
use crate::records::{AiCallRecord, CostSummary};
use crate::stage::Workflow;
use crate::value::{CallId, Cost};

impl<W: Workflow> RunHandle<W> {
    /// What the run's calls of models have cost so far, what those can cost at most of which that is not known, and its
    /// budget. Of single stages, [`RunHandle::stages`] says it.
    ///
    /// # Errors
    /// As [`RunHandle::record`].
    pub async fn cost_summary(&self) -> Result<CostSummary, Error> {
        self.record().await.map(|run| run.spending)
    }

    /// The run's calls of models, of all its generations, oldest first: at most `limit`. The next page is asked for
    /// with the id of the last one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn ai_calls(&self, after: Option<CallId>, limit: usize) -> Result<Vec<AiCallRecord>, Error> {
        self.store().calls_of_run(self.id(), after, limit).await
    }

    /// Raises what the run may spend in all, and lets stages go on that wait for that. Answers how many do.
    ///
    /// # Errors
    /// `BUDGET_TOO_LOW` when it has no budget, or a higher one; when the store cannot be written.
    pub async fn raise_budget(&self, budget: Cost) -> Result<usize, Error> {
        self.raise(None, budget).await
    }

    /// The same for one of its stages, whatever it declares, in this run.
    ///
    /// # Errors
    /// `STAGE_NOT_FOUND` when the run has no stage with this id, or is not started; as [`RunHandle::raise_budget`].
    pub async fn raise_stage_budget(
        &self,
        stage_id: impl Into<String>,
        budget: Cost,
    ) -> Result<usize, Error> {
        self.raise(Some(stage_id.into()), budget).await
    }

    async fn raise(&self, stage_id: Option<String>, budget: Cost) -> Result<usize, Error> {
        let command = RaiseBudget { run_id: self.id(), stage_id, budget };
        Ok(self.engine().dispatch(command).await?.resumed)
    }
}

impl Engine {
    /// The ledger for calls of models that are made outside of every stage. What they cost belongs to no run, and no
    /// budget counts it. One that its process does not end stays intended.
    ///
    /// ```
    /// use workflow_engine::Engine;
    /// use workflow_engine::ledger::{CallOutcome, CallReservation, SettledCall};
    /// use workflow_engine::records::CallType;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), workflow_engine::Error> {
    /// let engine = Engine::builder("memory:").build().await?;
    /// let call = CallReservation {
    ///     topic: "chat.ada".into(),
    ///     call_type: CallType::Text,
    ///     model_key: "house-model".into(),
    ///     model_id: "house-model-2".into(),
    ///     prompt: None,
    ///     metadata: None,
    ///     reserve: "0.02 USD".parse()?,
    /// };
    /// let id = engine.ledger().reserve(call).await?;
    /// let settled = SettledCall { cost: "0.0007 USD".parse()?, ..Default::default() };
    /// engine.ledger().settle(id, CallOutcome::Settled(settled)).await?;
    /// assert_eq!(engine.call_statistics("chat").await?.total.cost.to_string(), "0.0007 USD");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn ledger(&self) -> Arc<dyn CallLedger> {
        self.kernel().ledger()
    }

    /// Sums over the calls of a topic and of those below it, by whole segments: `a.b` covers `a.b.c` and not `a.bc`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn call_statistics(&self, topic: &str) -> Result<CallStatistics, Error> {
        self.store().call_statistics(topic).await
    }

    /// The calls of a topic and of those below it, by topic, then age: at most `limit`. The next page is asked for with
    /// the last one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn calls_of_topic(
        &self,
        topic: &str,
        after: Option<&AiCallRecord>,
        limit: usize,
    ) -> Result<Vec<AiCallRecord>, Error> {
        let after = after.map(|call| (call.topic.clone(), call.id));
        self.store().calls_of_topic(topic, after, limit).await
    }
}
