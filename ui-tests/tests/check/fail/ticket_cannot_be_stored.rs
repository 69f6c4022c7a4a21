#![allow(unused_variables)]

use workflow_engine::prelude::*;

pub struct Ticket;

#[stage(check = batch_done)]
pub async fn submit_batch(prompts: String) -> StageResult<Ticket> {
    Ok(Ticket)
}

#[check]
pub async fn batch_done(ticket: &Ticket) -> StageResult<Check<String>> {
    Ok(Check::Pending)
}

fn main() {}
// fix: `#[derive(Serialize, Deserialize, JsonSchema)]` on the type
