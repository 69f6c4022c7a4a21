#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Order {
    id: uuid::Uuid,
}

#[stage]
pub async fn load(order: Order) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `schemars = { version = "1.2", features = ["uuid1"] }` in Cargo.toml
