#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(check = "batch_done")]
pub async fn submit_batch(prompts: String) -> StageResult<u32> {
    Ok(1)
}

#[check]
pub async fn batch_done(ticket: &u32) -> StageResult<Check<String>> {
    Ok(Check::Pending)
}

fn main() {}
// fix: `check = batch_done`
