#![allow(unused_variables)]

use workflow_engine::prelude::*;

pub async fn other(path: String) -> StageResult<u32> {
    Ok(1)
}

#[stage]
pub async fn load(path: String, #[require(other)] length: u32) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `#[stage]` on the function
