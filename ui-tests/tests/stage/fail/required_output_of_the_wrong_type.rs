#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn other(path: String) -> StageResult<u32> {
    Ok(1)
}

#[stage]
pub async fn load(path: String, #[require(other)] length: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: the type that the other stage returns, `u32` or `&u32`
