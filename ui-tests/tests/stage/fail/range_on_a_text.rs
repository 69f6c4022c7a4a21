#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, #[config(range(0..=10))] name: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `length(…)` or `pattern = "…"`, or a number as the field's type
