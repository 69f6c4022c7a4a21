#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
async fn split(text: String, limit: usize = 3) -> StageResult<u32> {
    Ok(1)
}

workflow! { Splitting = split }

fn main() {}
// fix: the default in `#[config(default = 3)]`; an input has no default
