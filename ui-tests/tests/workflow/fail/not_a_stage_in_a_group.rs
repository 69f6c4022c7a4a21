#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn count(length: u32) -> StageResult<u32> {
    Ok(length)
}

#[stage]
pub async fn add(a: u32, b: u32) -> StageResult<u32> {
    Ok(a + b)
}

pub async fn plain(length: u32) -> StageResult<u32> {
    Ok(length)
}

workflow! { pub measure = load >> [count, plain] >> add }

fn main() {}
// fix: `#[stage]` on the function
