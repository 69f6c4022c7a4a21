#![allow(unused_variables)]

use workflow_engine::prelude::*;

pub struct Order;

#[stage]
pub async fn load(order: Order) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `#[derive(Serialize, Deserialize, JsonSchema)]` on the type
