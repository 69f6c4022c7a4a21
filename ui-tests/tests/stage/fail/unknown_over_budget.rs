#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(budget = "0.50 USD", over_budget = retry)]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `fail` or `wait`
