#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn other(path: String) -> StageResult<u32> {
    Ok(1)
}

#[stage]
pub async fn load(path: String, #[config] #[require(other)] limit: u32) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: one of the attributes
