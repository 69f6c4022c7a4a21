//! More than sixteen branches: what follows takes nothing and requires what it needs.
#![deny(warnings)]

use workflow_engine::prelude::*;

#[stage]
pub async fn load(n: u32) -> StageResult<u32> {
    Ok(n)
}

macro_rules! branches {
    ($($name:ident)*) => {$(
        #[stage]
        pub async fn $name(length: u32) -> StageResult<u32> {
            Ok(length)
        }
    )*};
}

branches!(b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 b10 b11 b12 b13 b14 b15 b16);

#[stage]
pub async fn join(#[require(b0)] first: u32, #[require(b16)] last: &u32) -> StageResult<u32> {
    Ok(first + last)
}

workflow! { pub fan = load >> [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15, b16] >> join }

pub fn main() {
    let join = fan::definition().stage("join").unwrap();
    assert_eq!((join.predecessors.len(), &join.reads), (17, &vec![1, 17]));
}
