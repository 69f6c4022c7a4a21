//! Chains, groups, branches that are chains, and groups inside branches.
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
pub async fn d(n: u32) -> StageResult<u32> {
    Ok(n)
}

#[stage]
pub async fn e(n: u32) -> StageResult<u32> {
    Ok(n)
}

#[stage]
pub async fn f(x: u32, y: (u32, u32)) -> StageResult<u32> {
    Ok(x + y.0 + y.1)
}

#[stage]
pub async fn g(n: u32) -> StageResult<u32> {
    Ok(n)
}

workflow! { pub nested = a >> [b >> c, [d, e]] >> f >> [g] }

pub fn main() {
    let definition = nested::definition();
    let after = |id: &str| definition.stage(id).unwrap().predecessors.clone();
    assert!(after("a").is_empty());
    assert_eq!(after("b"), [0]);
    assert_eq!(after("c"), [1]);
    assert_eq!(after("d"), [0]);
    assert_eq!(after("e"), [0]);
    assert_eq!(after("f"), [2, 3, 4]);
    assert_eq!(after("g"), [5]);
    let levels: Vec<u32> = definition.stages.iter().map(|stage| stage.execution_group).collect();
    assert_eq!(levels, [1, 2, 3, 2, 2, 4, 5]);
    assert_eq!(definition.output_stages, [6]);
}
