#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn batch_done(ticket: u32) -> StageResult<u32> {
    Ok(1)
}

#[stage(check = batch_done)]
pub async fn submit_batch(prompts: String) -> StageResult<u32> {
    Ok(1)
}

workflow! { pub batch = submit_batch }

fn main() {}
// fix: `#[check]` instead of `#[stage]` on it
