#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: &str) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `path: String`
