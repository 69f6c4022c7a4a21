use workflow_engine::prelude::*;

#[stage]
async fn fetch(number: u32) -> StageResult<u32> {
    Ok(number)
}

#[stage]
async fn refund(number: u32) -> StageResult<u32> {
    Ok(number)
}

workflow! { Charging = fetch }

async fn woken(run: RunHandle<Charging>) -> Result<bool, workflow_engine::Error> {
    run.wake::<refund>().await
}

fn main() {}
// fix: a stage of the workflow, `run.wake::<fetch>()`, or on a run without a type its id, `run.any().wake("fetch")`
