#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Style {
    pub tone: String,
}

#[stage]
pub async fn load(path: String, #[config(flatten, rename = "style")] style: Style) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `#[serde(rename = "…")]` at the fields of the structure
