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

workflow! { pub measure() -> u32 = load >> count }

fn main() {}
// fix: `pub measure = …`, or `pub measure(Type) = …` with the type of its input
