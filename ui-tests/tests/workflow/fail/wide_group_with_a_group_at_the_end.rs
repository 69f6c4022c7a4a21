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

branches!(b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 b10 b11 b12 b13 b14 b15 b16 b17 b18);

#[stage]
pub async fn load(path: String) -> StageResult<u32> {
    unimplemented!()
}

workflow! {
    pub measure = load >> [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15, b16 >> [b17, b18]]
}

fn main() {}
// fix: a last stage without parameters that requires what it needs
