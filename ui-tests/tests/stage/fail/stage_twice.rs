#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
#[stage(timeout = "30s")]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: one `#[stage(…)]` with all options
