#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, #[config] limit: u32, #[config(rename = "limit")] depth: u32) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: another `rename` for one of the two
