#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String) -> StageResult<impl Send> {
    Ok(1)
}

#[stage]
pub async fn count(length: u32) -> StageResult<u32> {
    Ok(1)
}

workflow! { pub measure = load >> count }

fn main() {}
// fix: a type with a name, `StageResult<u32>`; the workflow reports no error
