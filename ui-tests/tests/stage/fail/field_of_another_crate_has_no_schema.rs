#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Order {
    at: chrono::DateTime<chrono::Utc>,
}

#[stage]
pub async fn load(order: Order) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `schemars = { version = "1.2", features = ["chrono04"] }` in Cargo.toml
