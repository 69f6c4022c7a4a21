#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String) -> Result<u32> {
    Ok(1)
}

fn main() {}
// fix: `StageResult<u32>`
