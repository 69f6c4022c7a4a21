#![allow(unused_variables)]

use workflow_engine::prelude::*;

pub async fn batch_done(ticket: &u32) -> StageResult<Check<u32>> {
    Ok(Check::Pending)
}

#[stage(check = batch_done)]
pub async fn submit_batch(prompts: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `#[check]` on the function
