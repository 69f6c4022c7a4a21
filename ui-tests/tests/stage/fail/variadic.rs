#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, ...) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: a parameter for each value, or a `Vec`
