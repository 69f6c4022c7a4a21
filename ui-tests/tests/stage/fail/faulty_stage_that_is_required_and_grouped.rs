#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(path: String) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn count(length: u32) -> StageResult<u32> {
    Ok(length)
}

#[stage]
pub async fn add(a: u32, b: u32) -> StageResult<u32> {
    Ok(a + b)
}

#[stage]
pub async fn faulty(length: u32) -> StageResult<impl Send> {
    Ok(length)
}

#[stage]
pub async fn report(a: u32, b: u32, #[require(faulty)] faulty: &u32) -> StageResult<u32> {
    Ok(a)
}

#[stage(require(faulty))]
pub async fn last(length: u32, ctx: &StageContext<last>) -> StageResult<u32> {
    let _: &u32 = ctx.require::<faulty>();
    Ok(length)
}

workflow! {
    pub measure = load >> [count, faulty] >> report >> last;
    pub ends_in_it = load >> [faulty, count]
}

fn main() {}
// fix: a type with a name, `StageResult<u32>`; the users of the stage report no error
