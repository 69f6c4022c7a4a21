#![allow(unused_variables)]

use workflow_engine::prelude::*;

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
pub async fn load(path: String) -> StageResult<u32> {
    unimplemented!()
}

#[stage]
pub async fn name(length: u32) -> StageResult<String> {
    unimplemented!()
}

#[stage]
pub async fn join(lengths: Vec<u32>) -> StageResult<u32> {
    unimplemented!()
}

workflow! {
    pub measure = load >> [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15, name] >> join;
    pub end = load >> [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, name, b16]
}

fn main() {}
// fix: one type for all branches, groups of at most 16, or a stage without parameters that requires what it needs
