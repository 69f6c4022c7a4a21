#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(timeout = 30)]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `timeout = "30s"`
