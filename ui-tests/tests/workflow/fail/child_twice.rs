#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn weigh(cents: u32) -> StageResult<u32> {
    Ok(cents)
}

workflow! {
    pub Packing = weigh;
    pub Selling = Packing >> Packing;
}

fn main() {}
// fix: two workflows with the same stages, or one run that does both
