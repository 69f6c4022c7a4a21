#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn other(path: String) -> StageResult<u32> {
    Ok(1)
}

#[stage]
pub async fn load(path: String, #[require(other)] length: &mut u32) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `&T`, or `T` for its own copy
