#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(timeout = config.timout)]
async fn fetch(url: String, #[config] timeout: String) -> StageResult<String> {
    Ok(url)
}

fn main() {}
// fix: the name of a `#[config]` parameter: `timeout = config.timeout`
