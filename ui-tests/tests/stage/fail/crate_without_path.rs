#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(crate)]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `crate = ::my_crate::workflow_engine`
