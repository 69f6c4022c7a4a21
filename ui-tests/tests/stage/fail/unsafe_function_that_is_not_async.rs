#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub unsafe extern "C" fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: an `async fn` without `unsafe`
