#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Answer;

#[stage]
pub async fn load(path: String) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
async fn count(length: u32) -> StageResult<Answer> {
    Ok(Answer)
}

workflow! { pub measure = load >> count }

fn main() {}
// fix: `pub` on the stage, or none on the workflow
