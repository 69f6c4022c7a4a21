#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: impl Into<String>) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: the type by its name, `Vec<String>`
