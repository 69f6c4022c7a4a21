#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(#[input(default = 3)] depth: u32) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: a known option; an input has no default, but a configuration has: `#[config(default = 3)]`
