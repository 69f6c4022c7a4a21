#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, #[config(flatten, range(0..=10))] ai: workflow_engine::presets::AiConfig) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: the rule on a field of the structure: `#[schemars(range(max = 10))]`
