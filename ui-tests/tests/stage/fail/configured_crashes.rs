#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(retry(max_crashes = config.crashes))]
async fn fetch(url: String, #[config] crashes: u32) -> StageResult<String> {
    Ok(url)
}

fn main() {}
// fix: a number: crashes are counted where no configuration is read
