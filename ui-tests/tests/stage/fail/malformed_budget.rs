#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(budget = "half a dollar")]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `"0.50 USD"`
