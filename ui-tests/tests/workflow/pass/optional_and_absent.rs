//! An optional stage may be absent.
#![deny(warnings)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(n: u32) -> StageResult<u32> {
    Ok(n)
}

#[stage]
pub async fn detect(n: u32) -> StageResult<u32> {
    Ok(n)
}

#[stage]
pub async fn report(n: u32, #[optional(detect)] language: Option<u32>) -> StageResult<u32> {
    Ok(n + language.unwrap_or_default())
}

workflow! {
    pub short = load >> report;
    pub long = load >> detect >> report
}

pub fn main() {
    assert!(short::definition().stages[1].reads.is_empty());
    assert_eq!(long::definition().stages[2].reads, [1]);
}
