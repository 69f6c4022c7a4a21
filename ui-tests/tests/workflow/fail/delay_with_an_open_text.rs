#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn zero() -> StageResult<u32> {
    unimplemented!()
}

workflow! { pub measure = zero >> delay("7

fn main() {}
// fix: `delay("7d")`, with the quotation mark after it
