#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, #[config(range(10..=1))] max: u32, #[config(length(..0))] name: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `range(1..=10)`
