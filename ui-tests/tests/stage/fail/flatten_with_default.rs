#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Limits;

#[stage]
pub async fn load(path: String, #[config(flatten, default = Limits)] limits: Limits) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `#[config(flatten)]`, and the default on the fields of the structure
