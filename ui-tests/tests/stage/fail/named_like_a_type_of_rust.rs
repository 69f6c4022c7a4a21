#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn str(path: String) -> StageResult<u32> {
    Ok(1)
}

#[stage]
pub async fn char(path: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: another name for the function, and the id that you want: `#[stage(id = "str")]`
