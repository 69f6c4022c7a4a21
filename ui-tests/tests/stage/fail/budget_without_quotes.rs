#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(budget = 0.5)]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `budget = "0.50 USD"`
