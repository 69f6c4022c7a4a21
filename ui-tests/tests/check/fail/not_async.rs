#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[check]
pub fn batch_done(ticket: &u32) -> StageResult<Check<String>> {
    Ok(Check::Pending)
}

fn main() {}
// fix: `async fn`
