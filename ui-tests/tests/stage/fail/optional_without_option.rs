#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn other(path: String) -> StageResult<u32> {
    Ok(1)
}

#[stage]
pub async fn load(path: String, #[optional(other)] length: u32) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `Option<T>`, or `#[require(…)]` where the stage is always there
