#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[check]
pub async fn batch_done(ctx: &StageContext) -> StageResult<Check<String>> {
    Ok(Check::Pending)
}

fn main() {}
// fix: `ticket: &Ticket` as the first parameter
