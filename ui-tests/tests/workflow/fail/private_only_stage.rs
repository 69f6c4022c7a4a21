#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
async fn load(path: String) -> StageResult<u32> {
    Ok(path.len() as u32)
}

workflow! { pub measure = load }

fn main() {}
// fix: `pub` on the stage, or none on the workflow
