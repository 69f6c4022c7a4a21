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

#[check]
pub async fn done(ticket: &u32) -> StageResult<impl Send> {
    Ok(Check::Ready(1_u32))
}

#[stage(check = done)]
pub async fn submit(length: u32) -> StageResult<u32> {
    Ok(length)
}

#[stage]
pub async fn report(a: u32, b: u32, #[require(submit)] answer: u32) -> StageResult<u32> {
    Ok(a)
}

workflow! { pub measure = load >> [submit, count] >> report }

fn main() {}
// fix: a type with a name, `StageResult<Check<u32>>`; the users of the stage report no error
