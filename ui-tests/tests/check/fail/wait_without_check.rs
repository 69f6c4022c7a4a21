#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(poll_every = "1h", give_up_after = "24h")]
pub async fn submit_batch(prompts: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `#[stage(check = batch_done, poll_every = "1h")]`
