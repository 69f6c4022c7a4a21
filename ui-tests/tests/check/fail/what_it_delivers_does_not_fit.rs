#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(check = batch_done)]
pub async fn submit_batch(prompts: String) -> StageResult<u32> {
    Ok(1)
}

#[check]
pub async fn batch_done(ticket: &u32) -> StageResult<Check<String>> {
    Ok(Check::Pending)
}

#[stage]
pub async fn count(number: u32) -> StageResult<u32> {
    Ok(number)
}

workflow! { pub batch = submit_batch >> count }

fn main() {}
// fix: a stage that takes the output of the check, or `From` between the two
