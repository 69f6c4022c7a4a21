#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, #[config(pattern = "[0-9]")] max: u32) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `range(…)`, or a string as the field's type
