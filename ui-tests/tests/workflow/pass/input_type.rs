//! A group at the start takes the input that is written, each head by its own conversion.
#![deny(warnings)]

use workflow_engine::prelude::*;

#[derive(Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Order {
    number: u32,
}

impl From<Order> for StockInput {
    fn from(order: Order) -> Self {
        Self { number: order.number }
    }
}

#[stage]
pub async fn stock(number: u32) -> StageResult<u32> {
    Ok(number)
}

#[stage]
pub async fn credit(order: Order) -> StageResult<u32> {
    Ok(order.number)
}

#[stage]
pub async fn clock() -> StageResult<u32> {
    Ok(1)
}

#[stage]
pub async fn decide(stock: u32, credit: u32, clock: u32) -> StageResult<u32> {
    Ok(stock + credit + clock)
}

#[stage]
pub async fn single(order: Order) -> StageResult<u32> {
    Ok(order.number)
}

workflow! {
    pub audit(Order) = [stock, credit, clock] >> decide;
    pub alone(Order) = single;
    pub plain = single
}

pub fn main() {
    fn takes<W: Workflow<Input = I>, I>() {}
    takes::<audit, Order>();
    takes::<alone, Order>();
    takes::<plain, SingleInput>();
}
