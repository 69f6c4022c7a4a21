#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(timeout = config.limit)]
async fn fetch(url: String, #[config] limit: u32) -> StageResult<String> {
    Ok(url)
}

fn main() {}
// fix: a text such as "30s", or a `Duration`: `#[config] limit: String`
