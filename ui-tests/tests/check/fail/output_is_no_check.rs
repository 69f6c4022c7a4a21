#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(check = batch_done)]
pub async fn submit_batch(prompts: String) -> StageResult<u32> {
    Ok(1)
}

#[check]
pub async fn batch_done(ticket: &u32) -> StageResult<String> {
    Ok(String::new())
}

#[stage]
pub async fn print(text: String) -> StageResult<u32> {
    Ok(1)
}

workflow! { pub batch = submit_batch >> print }

fn main() {}
// fix: `StageResult<Check<String>>`
