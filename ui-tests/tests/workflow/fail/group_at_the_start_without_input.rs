#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Order;

#[stage]
pub async fn stock(order: Order) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn credit(order: Order) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn decide(stock: u32, credit: u32) -> StageResult<bool> {
    unimplemented!()
}

workflow! { pub audit = [stock, credit] >> decide }

fn main() {}
// fix: `audit(Order) = [stock, credit] >> …`
