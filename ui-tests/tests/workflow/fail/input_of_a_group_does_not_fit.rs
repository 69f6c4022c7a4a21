#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Order;

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Address;

#[stage]
pub async fn stock(order: Order) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn credit(address: Address) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn decide(stock: u32, credit: u32) -> StageResult<bool> {
    unimplemented!()
}

workflow! { pub audit(Order) = [stock, credit] >> decide }

fn main() {}
// fix: an input that converts into that of each first stage: `impl From<Order> for CreditInput`
