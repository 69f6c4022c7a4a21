//! A stage that takes nothing and returns nothing.
#![deny(warnings)]

use workflow_engine::value::NoInput;
use workflow_engine::prelude::*;

#[stage]
async fn tick() -> StageResult<()> {
    Ok(())
}

pub fn main() {
    fn takes_nothing<S: Stage<Input = NoInput>>() {}
    takes_nothing::<tick>();
}
