#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(check = batch_done)]
pub async fn submit_batch(prompts: String) -> StageResult<u32> {
    Ok(1)
}

#[check]
pub async fn batch_done(ticket: &u32, ctx: &StageContext<other>) -> StageResult<Check<String>> {
    Ok(Check::Pending)
}

#[stage]
pub async fn other(text: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: the context of the stage that waits, `&StageContext<submit_batch>`, or `&StageContext`
