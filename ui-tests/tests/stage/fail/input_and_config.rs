#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(#[input(range(1..))] #[config] depth: u32) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: one of the attributes
