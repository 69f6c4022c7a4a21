#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn weigh(cents: u32) -> StageResult<f64> {
    unimplemented!()
}

#[stage]
pub async fn tell(text: String) -> StageResult<String> {
    Ok(text)
}

workflow! {
    pub Packing = weigh;
    pub Selling = Packing >> tell;
}

fn main() {}
// fix: a parameter of the type that the last stage of the child returns
