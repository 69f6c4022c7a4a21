#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(timeuot = "30s")]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: the name that the message proposes
