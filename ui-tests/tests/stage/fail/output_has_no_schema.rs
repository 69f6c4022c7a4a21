#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[derive(serde::Serialize, serde::Deserialize)]
pub struct Order;

#[stage]
pub async fn load(path: String) -> StageResult<Order> {
    Ok(Order)
}

fn main() {}
// fix: derive `JsonSchema` as well
