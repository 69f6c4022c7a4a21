#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(check = batch_done, poll_every = "often", poll_evry = "1h")]
pub async fn submit_batch(prompts: &str) -> StageResult<u32> {
    Ok(1)
}

#[check(retry)]
pub fn batch_done<T>(ticket: u32, #[config] limit: &u32) -> StageResult<Check<String>> {
    Ok(Check::Pending)
}

workflow! { pub batch = submit_batch }

fn main() {}
// fix: correct each mistake: one compilation reports them all
