#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String) -> StageResult<u32> {
    unimplemented!()
}

async fn count(length: u32) -> StageResult<u32> {
    Ok(length)
}

workflow! { pub measure = load >> count }

fn main() {}
// fix: `#[stage]` on the function
