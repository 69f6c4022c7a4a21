//! `stage.wake`: a stage that waits is checked now, as a webhook asks for.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::Kernel;
use super::command::Command;
use crate::error::Error;
use crate::ports::{Change, Decision, Precondition, Snapshot};
use crate::records::Status;
use crate::value::RunId;

/// Has a stage that waits checked at once, whenever its next check would be. If a check is running, which may have
/// looked too early, another one follows it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WakeStage {
    /// The run.
    pub run_id: RunId,
    /// The stage.
    pub stage_id: String,
}

/// Whether there was something to wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct WakeStageOutput {
    /// `false` when the stage does not wait: not yet, or not any more.
    pub woken: bool,
}

#[async_trait]
impl Command for WakeStage {
    type Output = WakeStageOutput;
    const NAME: &'static str = "stage.wake";

    /// # Errors
    /// `RUN_NOT_FOUND`, `STAGE_NOT_FOUND`.
    async fn execute(self, kernel: &Kernel) -> Result<WakeStageOutput, Error> {
        let run = kernel.store().run(self.run_id).await?.ok_or_else(|| Error::run_not_found(self.run_id))?;
        let known = kernel.registry().by_fingerprint(&run.definition_fingerprint);
        if known.is_some_and(|registered| registered.stage(&self.stage_id).is_none()) {
            return Err(Error::stage_not_found(self.run_id, &self.stage_id));
        }
        let stage_id = self.stage_id;
        let applied =
            kernel.commit_from_snapshot(self.run_id, move |snapshot| decide(snapshot, &stage_id)).await?;
        Ok(WakeStageOutput { woken: applied.is_some() })
    }
}

fn decide(snapshot: &Snapshot, stage_id: &str) -> Option<Decision> {
    let stage = snapshot.stages.iter().find(|stage| stage.stage_id == stage_id)?;
    if stage.status != Status::Suspended || snapshot.run.status != Status::Running {
        return None;
    }
    Some(Decision {
        run_id: snapshot.run.id,
        precondition: Precondition::Revision(snapshot.revision()),
        idempotency: None,
        changes: vec![Change::Wake { stage_id: stage_id.to_owned() }],
    })
}
