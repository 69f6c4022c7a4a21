#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(check = batch_done)]
pub async fn submit_batch(prompts: String) -> StageResult<u32> {
    Ok(1)
}

#[check]
pub async fn batch_done(ticket: &String) -> StageResult<Check<String>> {
    Ok(Check::Pending)
}

workflow! { pub batch = submit_batch }

fn main() {}
// fix: the type that the stage's function returns
