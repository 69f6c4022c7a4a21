#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(#[input(range(1..=9))] path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: a number type, or `length(…)` or `pattern = "…"`
