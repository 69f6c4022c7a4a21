#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, #[config(length(1..=10))] max: u32) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `range(1..=64)`
