#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, #[config(range(0..), range(..10))] max: u32) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: one range for both bounds: `range(1..=10)`
