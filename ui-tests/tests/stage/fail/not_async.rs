#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `async fn`
