#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[check]
pub async fn done(#[input(range(1..))] ticket: &u32) -> StageResult<Check<u32>> {
    Ok(Check::Ready(1))
}

fn main() {}
// fix: the ticket without the attribute; settings have `#[config]`
