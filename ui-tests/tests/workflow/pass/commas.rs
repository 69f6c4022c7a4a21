//! A comma after the last branch, a group of one, and a chain over several lines.
#![deny(warnings)]

use workflow_engine::prelude::*;

#[stage]
pub async fn a(n: u32) -> StageResult<u32> {
    Ok(n)
}

#[stage]
pub async fn b(n: u32) -> StageResult<u32> {
    Ok(n)
}

#[stage]
pub async fn c(n: u32) -> StageResult<u32> {
    Ok(n)
}

#[stage]
pub async fn d(b: u32, c: u32) -> StageResult<u32> {
    Ok(b + c)
}

workflow! {
    pub lines =
        a
        >> [
            b,
            [c,],
        ]
        >> [[[d]]];
}

pub fn main() {
    assert_eq!(lines::definition().stages[3].predecessors, [1, 2]);
}
