#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn charge(cents: u64) -> StageResult<String> {
    unimplemented!()
}

#[stage]
pub async fn ship(receipt: String) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn release(failure: StageFailure) -> StageResult<u32> {
    unimplemented!()
}

workflow! { pub order = catch(charge >> catch(ship)) >> close }

#[stage]
pub async fn close() -> StageResult<u32> {
    unimplemented!()
}

fn main() {}
// fix: a stage after the inner `catch`
