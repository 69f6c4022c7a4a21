#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(#[range(1..=9)] depth: u32, #[length(1..)] path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `#[input(range(1..=9))]` and `#[input(length(1..))]`
