#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String) -> Option<u32> {
    Some(1)
}

fn main() {}
// fix: `StageResult<Option<u32>>`
