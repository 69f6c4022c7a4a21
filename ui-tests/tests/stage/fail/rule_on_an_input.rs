#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(#[range(1..=9)] depth: u32, #[length(1..)] path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `#[config(range(1..=10))]`; an input has no rules
