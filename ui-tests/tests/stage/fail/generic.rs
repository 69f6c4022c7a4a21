#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load<T>(path: T) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: one function for each type
