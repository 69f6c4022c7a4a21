#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn weigh(cents: u32) -> StageResult<String> {
    unimplemented!()
}

#[stage]
pub async fn open(path: String) -> StageResult<u32> {
    unimplemented!()
}

workflow! {
    pub Packing = weigh;
    pub Selling = open >> Packing >>;
}

fn main() {}
// fix: a stage after the arrow, or no arrow
