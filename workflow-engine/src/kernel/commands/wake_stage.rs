//! `stage.wake`: runs the check of a stage that waits now, for a webhook for example.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Command;
use crate::error::Error;
use crate::kernel::Kernel;
use crate::kernel::commit_from_snapshot::{commit_from_snapshot, decision_at};
use crate::kernel::named_place::check_place;
use crate::ports::{Change, Decision, Snapshot};
use crate::records::{Actor, Annotation, Status, action};
use crate::value::{RunId, StageKey};

/// Makes the next check of a stage that waits due now. If a check is running, which may have been too early, another one
/// follows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WakeStage {
    /// The run.
    pub run_id: RunId,
    /// The stage.
    #[serde(rename = "stage_id")]
    pub stage_key: StageKey,
}

/// Whether the stage was woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WakeStageOutput {
    /// `false` when the stage does not wait yet, or no longer waits.
    pub woken: bool,
}

#[async_trait]
impl Command for WakeStage {
    type Output = WakeStageOutput;
    const NAME: &'static str = "stage.wake";

    /// # Errors
    /// `RUN_NOT_FOUND`, `STAGE_NOT_FOUND`; in a process with a worker, `WORKFLOW_NOT_FOUND` or `DEFINITION_MISMATCH` when no
    /// process can run the check, as far as this one can tell. The wake is stored nevertheless: the first worker with the
    /// definition runs the check at once.
    async fn execute(self, kernel: &Kernel) -> Result<WakeStageOutput, Error> {
        self.wake(kernel, None).await
    }

    async fn execute_by(self, kernel: &Kernel, by: &Actor) -> Result<WakeStageOutput, Error> {
        self.wake(kernel, Some(by)).await
    }

    fn run(&self) -> Option<RunId> {
        Some(self.run_id)
    }
}

impl WakeStage {
    async fn wake(self, kernel: &Kernel, by: Option<&Actor>) -> Result<WakeStageOutput, Error> {
        let run = kernel.store().run(self.run_id).await?.ok_or_else(|| Error::run_not_found(self.run_id))?;
        let registered = kernel.registry().by_fingerprint(&run.definition_fingerprint);
        let is_foreign = registered.is_none() && kernel.placement().is_some();
        if registered.is_some_and(|registered| registered.stage(&self.stage_key.id).is_none()) {
            return Err(Error::stage_not_found(self.run_id, &self.stage_key));
        }
        check_place(kernel, self.run_id, &self.stage_key).await?;
        let stage_key = self.stage_key;
        let action = by.map(|by| action("wake", &json!({}), by));
        let decide = move |snapshot: &Snapshot| decide(snapshot, &stage_key, action.as_ref());
        let applied = commit_from_snapshot(kernel, self.run_id, decide).await?;
        if applied.is_some()
            && is_foreign
            && let Some(reason) = kernel.blocked_reason(self.run_id).await?
        {
            return Err(reason);
        }
        Ok(WakeStageOutput { woken: applied.is_some() })
    }
}

fn decide(snapshot: &Snapshot, stage_key: &StageKey, action: Option<&Annotation>) -> Option<Decision> {
    let stage = snapshot.stage(stage_key)?;
    if stage.status != Status::Suspended || snapshot.run.status != Status::Running {
        return None;
    }
    let mut changes = vec![Change::Wake { stage_key: stage_key.clone() }];
    changes.extend(
        action.cloned().map(|annotation| Change::Annotate { stage_key: Some(stage_key.clone()), annotation }),
    );
    Some(decision_at(snapshot, WakeStage::NAME, changes))
}
