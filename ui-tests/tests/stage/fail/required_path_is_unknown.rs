#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, #[require(other)] length: u32) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: import the stage, or write its path
