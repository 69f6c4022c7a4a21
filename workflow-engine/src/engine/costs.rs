//! Costs, budgets and calls of models, of a run and of the engine.

use std::sync::Arc;

use super::Engine;
use super::any_run::AnyRun;
use super::list::{Cursor, List, Page};
use crate::error::Error;
use crate::kernel::RaiseBudget;
use crate::ledger::{CallLedger, CallStatistics};
use crate::records::{AiCallRecord, CostSummary};
use crate::value::{CallId, Cost, StageKey};

impl AnyRun {
    /// Returns the settled cost of the run's calls of models, the reserved cost of its other calls, and its budget. The
    /// costs of each stage are in [`AnyRun::stages`].
    ///
    /// # Errors
    /// The errors of [`AnyRun::record`].
    pub async fn cost_summary(&self) -> Result<CostSummary, Error> {
        self.record().await.map(|run| run.spending)
    }

    /// As [`AnyRun::cost_summary`], with the costs of the runs that it has started, of those that they have started, and so
    /// on; of the first 100,000. The budget is that of the run, for which only its own costs count.
    ///
    /// # Errors
    /// The errors of [`AnyRun::record`].
    pub async fn cost_summary_with_children(&self) -> Result<CostSummary, Error> {
        let own = self.cost_summary().await?;
        let children = self.store().costs_of_descendants(self.id()).await;
        children.map(|children| own.plus(children)).map_err(|error| self.engine().unless_closed(error))
    }

    /// Lists the run's calls of models, in all its generations, oldest first.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`; the errors of [`Engine::runs`].
    pub fn ai_calls(&self) -> List<AiCallRecord> {
        const LIST: &str = "calls";

        let run = self.clone();
        List::new(move |after, limit| {
            let run = run.clone();
            async move {
                let after = after.map(|cursor| cursor.item(LIST)).transpose()?;
                let calls = run.store().calls_of_run(run.id(), after, limit + 1).await?;
                let calls = run.unless_gone(calls).await?;
                Ok(Page::of(calls, limit, |call| Cursor::new(LIST, call.id)))
            }
        })
    }

    /// Raises the run's budget, and resumes the stages that wait for it. Returns the number of resumed stages.
    ///
    /// # Errors
    /// `RUN_NOT_FOUND`; `BUDGET_TOO_LOW` if the run has no budget or a higher one; an error of the store.
    pub async fn raise_budget(&self, budget: Cost) -> Result<usize, Error> {
        self.raise(None, budget).await
    }

    /// Raises the budget of one stage of this run, regardless of the budget that the stage declares. Returns the number
    /// of resumed stages.
    ///
    /// # Errors
    /// `STAGE_NOT_FOUND` if the run has no stage with this id or has not started; the errors of
    /// [`AnyRun::raise_budget`].
    pub async fn raise_stage_budget(
        &self,
        stage_key: impl Into<StageKey>,
        budget: Cost,
    ) -> Result<usize, Error> {
        self.raise(Some(stage_key.into()), budget).await
    }

    async fn raise(&self, stage_key: Option<StageKey>, budget: Cost) -> Result<usize, Error> {
        let command = RaiseBudget { run_id: self.id(), stage_key, budget };
        Ok(self.engine().dispatch(command).await?.resumed)
    }
}

impl Engine {
    /// Returns the ledger for calls of models outside of stages. Their costs belong to no run and count against no budget.
    /// A call that its process does not settle stays reserved.
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

    /// Returns sums over the calls of a topic and of the topics below it. Topics are compared by whole segments: `a.b`
    /// covers `a.b.c` and not `a.bc`.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub async fn call_statistics(&self, topic: &str) -> Result<CallStatistics, Error> {
        self.store().call_statistics(topic).await
    }

    /// Lists the calls of a topic and of the topics below it, ordered by topic and then by age.
    ///
    /// # Errors
    /// The errors of [`Engine::runs`].
    pub fn calls_of_topic(&self, topic: &str) -> List<AiCallRecord> {
        const LIST: &str = "topic";

        let (engine, topic) = (self.clone(), topic.to_owned());
        List::new(move |after, limit| {
            let (engine, topic) = (engine.clone(), topic.clone());
            async move {
                let after = after.map(|cursor| place_of(&cursor, LIST)).transpose()?;
                let calls = engine.store().calls_of_topic(&topic, after, limit + 1).await?;
                let place = |call: &AiCallRecord| format!("{}.{}", call.id, call.topic);
                Ok(Page::of(calls, limit, |call| Cursor::new(LIST, place(call))))
            }
        })
    }
}

/// Returns the topic and the id of the call of a cursor.
fn place_of(cursor: &Cursor, list: &str) -> Result<(String, CallId), Error> {
    let place: String = cursor.item(list)?;
    let parsed = place.split_once('.').and_then(|(id, topic)| Some((topic.to_owned(), id.parse().ok()?)));
    parsed.ok_or_else(|| cursor.refused(list))
}
