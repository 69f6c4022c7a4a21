#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, path: u32) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: another name for one of the two
