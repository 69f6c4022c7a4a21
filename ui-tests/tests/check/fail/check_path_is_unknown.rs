#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(check = batch_done)]
pub async fn submit_batch(prompts: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: import the check, or write its path
