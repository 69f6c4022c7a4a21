#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub const fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: a function without `const`
