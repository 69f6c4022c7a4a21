#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String) -> StageResult<u32> {
    Err("the file is empty")
}

fn main() {}
// fix: `Err(StageError::permanent("the file is empty"))`, or `StageError::retryable`
