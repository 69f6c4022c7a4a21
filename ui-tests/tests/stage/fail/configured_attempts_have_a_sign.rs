#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(retry(max_attempts = config.tries))]
async fn fetch(url: String, #[config] tries: i32) -> StageResult<String> {
    Ok(url)
}

fn main() {}
// fix: a number without a sign: `#[config] tries: u32`
