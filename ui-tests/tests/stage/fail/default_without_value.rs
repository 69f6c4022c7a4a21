#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, #[config(default)] limit: u32) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `default = 50_000`, or no `default` where the field is required
