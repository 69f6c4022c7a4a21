#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn announce(text: String) -> StageResult<u32> {
    Ok(1)
}

#[stage(check = batch_done)]
pub async fn submit_batch(prompts: String) -> StageResult<u32> {
    Ok(1)
}

#[check]
pub async fn batch_done(ticket: &u32, #[require(announce)] number: u32) -> StageResult<Check<String>> {
    Ok(Check::Pending)
}

workflow! { pub batch = submit_batch }

fn main() {}
// fix: put the required stage before the one that waits
