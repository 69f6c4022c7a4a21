#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String) -> StageResult<u32> {
    Ok("one")
}

fn main() {}
// fix: as in every function: the macros do not change the body
