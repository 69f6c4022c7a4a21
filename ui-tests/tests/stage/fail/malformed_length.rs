#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, #[config(length(-1..))] name: String, #[config(length = 3)] tags: Vec<u32>) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `length(1..=64)`
