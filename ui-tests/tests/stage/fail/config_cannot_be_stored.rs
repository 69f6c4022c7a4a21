#![allow(unused_variables)]

use workflow_engine::prelude::*;

pub struct Limits;

#[stage]
pub async fn load(path: String, #[config] limits: Limits) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `#[derive(Serialize, Deserialize, JsonSchema)]` on the type
