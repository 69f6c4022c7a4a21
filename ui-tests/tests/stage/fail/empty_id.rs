#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(id = "")]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `id = "extract-text"`, or no `id`: the default is the function's name
