#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String) -> StageResult<String> {
    Ok(path)
}

#[stage]
pub async fn count(text: String) -> StageResult<u32> {
    Ok(1)
}

workflow! {
    pub first = load >> count
    pub second = count
}

fn main() {}
// fix: `;` after the first
