#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn other(path: String) -> StageResult<u32> {
    Ok(1)
}

#[stage(require(other))]
pub async fn load(path: String, #[require(other)] length: u32) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: one of the two
