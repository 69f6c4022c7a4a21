#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(id = "a" name = "b")]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: a comma between the options
