#![allow(unused_variables)]

use workflow_engine::prelude::*;

pub struct Order;

impl From<Order> for StockInput {
    fn from(_: Order) -> Self {
        Self { order: 1 }
    }
}

#[stage]
pub async fn stock(order: u32) -> StageResult<u32> {
    unimplemented!()
}

workflow! { pub audit(Order) = stock }

fn main() {}
// fix: `#[derive(Serialize, Deserialize, JsonSchema)]` on the type
