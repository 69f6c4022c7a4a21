#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(poll_every = config.pause)]
async fn fetch(url: String, #[config] pause: String) -> StageResult<String> {
    Ok(url)
}

fn main() {}
// fix: a check: `#[stage(check = batch_done, poll_every = config.pause)]`
