#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, #[require] limit: u32) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `#[require(path::to::stage)]`
