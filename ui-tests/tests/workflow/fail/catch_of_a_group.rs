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

workflow! { pub order(u64) = match catch([charge, weigh]) { Ok(receipt) => (), Err(failure) => release } }

#[stage]
pub async fn weigh(cents: u64) -> StageResult<u32> {
    unimplemented!()
}

fn main() {}
// fix: a stage at the end of the chain
