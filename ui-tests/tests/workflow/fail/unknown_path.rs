#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String) -> StageResult<u32> {
    unimplemented!()
}

workflow! { pub measure = load >> count }

fn main() {}
// fix: import the stage, or write its path
