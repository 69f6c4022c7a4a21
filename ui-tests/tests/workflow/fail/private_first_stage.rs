#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
async fn load(path: String) -> StageResult<u32> {
    Ok(path.len() as u32)
}

#[stage]
pub async fn count(length: u32) -> StageResult<u32> {
    unimplemented!()
}

workflow! { pub measure = load >> count }

fn main() {}
// fix: `pub` on the stage, or none on the workflow
