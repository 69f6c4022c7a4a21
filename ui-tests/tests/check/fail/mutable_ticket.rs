#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[check]
pub async fn batch_done(ticket: &mut u32) -> StageResult<Check<String>> {
    Ok(Check::Pending)
}

fn main() {}
// fix: `ticket: &Ticket`
