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

workflow! { pub first = load >> while >> count }
workflow! { pub second = load >> self }

fn main() {}
// fix: the path of a stage; a function cannot have the name of a keyword either
