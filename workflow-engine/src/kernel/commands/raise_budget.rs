//! `run.raiseBudget`: raises the budget of a run, or of one of its stages.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Command;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::kernel::commit_from_snapshot::{commit_from_snapshot, decision_at};
use crate::kernel::run_graph::graph_of;
use crate::ports::{Change, Decision, Snapshot};
use crate::records::{Actor, Annotation, Status, action};
use crate::value::{Cost, RunId, StageKey};

/// Raises the budget of a run, or of one of its stages in this run, and resumes stages that wait for it
/// (`#[stage(over_budget = wait)]`). In a terminal run, the new budget applies to the next rerun.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RaiseBudget {
    /// The run.
    pub run_id: RunId,
    /// The stage whose budget is raised; `None` for the run's own budget.
    #[serde(rename = "stage_id", default)]
    pub stage_key: Option<StageKey>,
    /// The new limit of its cost, over all generations of the run: at least the old limit. The same amount makes waiting
    /// stages try once more.
    pub budget: Cost,
}

/// The result of the raise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RaiseBudgetOutput {
    /// The number of resumed stages.
    pub resumed: usize,
}

#[async_trait]
impl Command for RaiseBudget {
    type Output = RaiseBudgetOutput;
    const NAME: &'static str = "run.raiseBudget";

    /// # Errors
    /// `RUN_NOT_FOUND`; `STAGE_NOT_FOUND` where the run has no stage of this id, or has not started;
    /// `BUDGET_TOO_LOW` where it has no budget, or a higher one.
    async fn execute(self, kernel: &Kernel) -> Result<RaiseBudgetOutput, Error> {
        self.raise(kernel, None).await
    }

    async fn execute_by(self, kernel: &Kernel, by: &Actor) -> Result<RaiseBudgetOutput, Error> {
        self.raise(kernel, Some(by)).await
    }

    fn run(&self) -> Option<RunId> {
        Some(self.run_id)
    }
}

impl RaiseBudget {
    async fn raise(self, kernel: &Kernel, by: Option<&Actor>) -> Result<RaiseBudgetOutput, Error> {
        let run_id = self.run_id;
        let snapshot = kernel.store().snapshot(run_id).await?.ok_or_else(|| Error::run_not_found(run_id))?;
        let declared = match &self.stage_key {
            Some(stage_key) => declared_budget(kernel, &snapshot, &stage_key.id).await?,
            None => None,
        };
        self.check(&snapshot, declared)?;
        let action = by.map(|by| action("budget", &json!({ "budget": self.budget }), by));
        let decide = move |snapshot: &Snapshot| Some(self.decide(snapshot, action.as_ref()));
        let applied = commit_from_snapshot(kernel, run_id, decide).await?.unwrap_or_default();
        Ok(RaiseBudgetOutput { resumed: applied.ready.len() })
    }

    fn check(&self, snapshot: &Snapshot, declared: Option<Cost>) -> Result<(), Error> {
        let limit = match &self.stage_key {
            None => snapshot.run.spending.budget,
            Some(stage_key) => {
                let stage = snapshot.stage(stage_key);
                let stage = stage.ok_or_else(|| Error::stage_not_found(self.run_id, stage_key))?;
                declared.max(stage.spending.budget)
            }
        };
        if limit.is_some_and(|limit| limit <= self.budget) {
            return Ok(());
        }
        Err(Error::budget_too_low(self.run_id, self.stage_key.as_ref(), limit))
    }

    fn decide(&self, snapshot: &Snapshot, action: Option<&Annotation>) -> Decision {
        let mut changes = vec![Change::SetBudget { stage_key: self.stage_key.clone(), budget: self.budget }];
        let is_running = snapshot.run.status == Status::Running;
        let waiting = snapshot.stages.iter().filter(|stage| {
            is_running
                && stage.awaited_cost.is_some()
                && self.stage_key.as_ref().is_none_or(|stage_key| stage.is(stage_key))
        });
        changes.extend(waiting.map(|stage| Change::Resume { stage_key: stage.key() }));
        let stage_key = self.stage_key.clone();
        changes.extend(action.cloned().map(|annotation| Change::Annotate { stage_key, annotation }));
        decision_at(snapshot, Self::NAME, changes)
    }
}

/// Returns the budget that the definition of the run gives to a stage; `None` also where no definition is known.
async fn declared_budget(
    kernel: &Kernel,
    snapshot: &Snapshot,
    stage_id: &str,
) -> Result<Option<Cost>, Error> {
    match graph_of(kernel, &snapshot.run).await {
        Ok(graph) => {
            Ok(graph.stages.into_iter().find(|stage| stage.id == stage_id).and_then(|stage| stage.budget))
        }
        Err(error) if error.is_not_found() || error.is_conflict() => Ok(None),
        Err(error) => Err(error),
    }
}
