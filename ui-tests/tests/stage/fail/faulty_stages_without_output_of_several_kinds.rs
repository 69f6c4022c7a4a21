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

#[stage]
pub async fn nothing(length: u32) {}

#[stage]
pub async fn perhaps(length: u32) -> Option<u32> {
    Some(length)
}

#[stage]
pub async fn report(a: u32, b: u32, #[optional(perhaps)] c: Option<u32>) -> StageResult<u32> {
    Ok(a)
}

workflow! { pub measure = load >> [nothing, perhaps] >> report }

fn main() {}
// fix: `StageResult<()>` and `StageResult<Option<u32>>`
