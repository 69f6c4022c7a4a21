#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(check = done)]
pub async fn submit(path: String) -> StageResult<String> {
    Ok(path)
}

#[check]
pub async fn done(ticket: &str) -> StageResult<Check<u32>> {
    Ok(Check::Ready(1))
}

fn main() {}
// fix: `ticket: &String`
