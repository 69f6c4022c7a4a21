#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(timeout = "soon")]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(1)
}

#[stage]
pub async fn count(length: u32, #[require(load)] again: u32) -> StageResult<u32> {
    Ok(1)
}

workflow! { pub measure = load >> count }

pub async fn by_hand() -> StageResult<u32> {
    load(String::new()).await
}

fn main() {}
// fix: `timeout = "30s"`; the workflow that uses the stage reports no error
