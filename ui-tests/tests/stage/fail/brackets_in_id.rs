#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(id = "load[1]")]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `id = "load-1"`
