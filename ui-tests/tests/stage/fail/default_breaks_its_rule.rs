#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String, #[config(default = 11, range(0..=10))] max: u32, #[config(default = -0.5, range(0.0..1.0))] share: f64, #[config(default = "".to_owned(), length(1..))] name: String) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: a default that obeys the rule, or a wider rule
