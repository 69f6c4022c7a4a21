#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn count(length: u32) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn zero() -> StageResult<u32> {
    unimplemented!()
}

workflow! { pub measure = zero >> delay("7") >> count }

fn main() {}
// fix: `delay("7d")`
