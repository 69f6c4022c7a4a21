#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(version = 2, version = 2)]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: one of the two
