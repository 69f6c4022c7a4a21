//! The widest group that has a tuple, at the end.
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

branches!(b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 b10 b11 b12 b13 b14 b15);

workflow! { pub fan = load >> [b0, b1, b2, b3, b4, b5, b6, b7, b8, b9, b10, b11, b12, b13, b14, b15] }

pub fn main() {
    fn last<T>(_: fn() -> T) {}
    type Output = <fan as Workflow>::Output;
    last::<(u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32, u32)>(|| -> Output {
        unreachable!()
    });
    assert_eq!(fan::definition().output_stages.len(), 16);
    assert_eq!(fan::definition().output_schema().get("maxItems"), Some(&16.into()));
}
