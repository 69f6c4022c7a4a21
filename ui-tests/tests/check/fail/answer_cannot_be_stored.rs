#![allow(unused_variables)]

use workflow_engine::prelude::*;

pub struct Answers;

#[stage(check = batch_done)]
pub async fn submit_batch(prompts: String) -> StageResult<u32> {
    Ok(1)
}

#[check]
pub async fn batch_done(ticket: &u32) -> StageResult<Check<Answers>> {
    Ok(Check::Pending)
}

fn main() {}
// fix: `#[derive(Serialize, Deserialize, JsonSchema)]` on the type
