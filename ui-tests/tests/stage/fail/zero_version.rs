#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(version = 0)]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `version = 1`, or more
