#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String) -> StageResult<impl Send> {
    Ok(1)
}

fn main() {}
// fix: the type by its name, `StageResult<Vec<String>>`
