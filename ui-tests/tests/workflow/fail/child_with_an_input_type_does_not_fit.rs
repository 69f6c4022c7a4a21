#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Order;

#[stage]
pub async fn stock(order: Order) -> StageResult<bool> {
    unimplemented!()
}

#[stage]
pub async fn credit(order: Order) -> StageResult<bool> {
    unimplemented!()
}

#[stage]
pub async fn open(path: String) -> StageResult<String> {
    Ok(path)
}

#[stage]
pub async fn decide(stock: bool, credit: bool) -> StageResult<bool> {
    Ok(stock && credit)
}

workflow! {
    pub Audit(Order) = [stock, credit] >> decide;
    pub Selling = open >> Audit;
}

fn main() {}
// fix: a stage before it that returns an `Order`
