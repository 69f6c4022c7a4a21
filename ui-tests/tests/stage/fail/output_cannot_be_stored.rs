#![allow(unused_variables)]

use workflow_engine::prelude::*;

pub struct Order;

#[stage]
pub async fn load(path: String) -> StageResult<Order> {
    Ok(Order)
}

fn main() {}
// fix: `#[derive(Serialize, Deserialize, JsonSchema)]` on the type
