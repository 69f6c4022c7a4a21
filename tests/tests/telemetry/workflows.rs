//! Workflows for tests of measurements.

use workflow_engine::prelude::*;
use workflow_engine::telemetry::{Measurements, StageMeasurements, WorkflowMeasurements};

/// Fails in its first attempt, and permanently if its input says so.
#[stage(retry(max_attempts = 2, initial = "1s"))]
pub async fn fetch(fails: bool, ctx: &StageContext) -> StageResult<u32> {
    if fails {
        return Err(StageError::permanent("the secret is hunter2"));
    }
    if ctx.attempt() == 1 { Err(StageError::retryable("busy")) } else { Ok(7) }
}

#[stage(check = arrived, poll_every = "1m")]
pub async fn submit(number: u32) -> StageResult<u32> {
    Ok(number)
}

/// Is ready at the second check.
#[check]
pub async fn arrived(ticket: &u32, ctx: &StageContext) -> StageResult<Check<u32>> {
    let checked = ctx.storage().get::<u32>("checked").await?.unwrap_or_default();
    ctx.put_artifact("checked", &(checked + 1))?;
    Ok(if checked == 0 { Check::Pending } else { Check::Ready(*ticket + 1) })
}

workflow! { pub Filing = fetch >> submit }

#[stage]
pub async fn answer(question: String, ctx: &StageContext) -> StageResult<String> {
    Ok(ctx.ai().generate_text("m", question).await?.text)
}

workflow! { pub Asking = answer }

/// Returns the numbers of the workflow with this id.
pub fn workflow<'a>(measured: &'a Measurements, id: &str) -> &'a WorkflowMeasurements {
    measured.workflows.iter().find(|own| own.workflow_id == id).expect("the workflow is registered")
}

/// Returns the numbers of a stage.
pub fn stage<'a>(measured: &'a Measurements, workflow_id: &str, stage_id: &str) -> &'a StageMeasurements {
    let mut stages = workflow(measured, workflow_id).stages.iter();
    stages.find(|own| own.stage_id == stage_id).expect("the stage is part of the workflow")
}
