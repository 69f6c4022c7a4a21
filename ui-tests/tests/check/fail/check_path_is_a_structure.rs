#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn count(length: u32) -> StageResult<u32> {
    Ok(length)
}

#[stage]
pub async fn add(a: u32, b: u32) -> StageResult<u32> {
    Ok(a + b)
}

pub struct Done;

#[stage(check = Done)]
pub async fn submit(length: u32) -> StageResult<u32> {
    Ok(length)
}

workflow! { pub measure = load >> submit >> count }

fn main() {}
// fix: the path of a `#[check]` function
