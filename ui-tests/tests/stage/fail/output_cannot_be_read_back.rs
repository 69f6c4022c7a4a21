#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[derive(serde::Serialize, schemars::JsonSchema)]
pub struct Order;

#[stage]
pub async fn load(path: String) -> StageResult<Order> {
    Ok(Order)
}

fn main() {}
// fix: derive `Deserialize` as well
