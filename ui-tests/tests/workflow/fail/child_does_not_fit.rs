#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn weigh(cents: u32) -> StageResult<String> {
    unimplemented!()
}

#[stage]
pub async fn open(path: String) -> StageResult<String> {
    Ok(path)
}

workflow! {
    pub Packing = weigh;
    pub Selling = open >> Packing;
}

fn main() {}
// fix: a stage before it that returns what the first stage of the child takes
