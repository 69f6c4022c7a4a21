#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub const async fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: an `async fn` without `const`
