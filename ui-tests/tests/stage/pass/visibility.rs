//! Private, restricted and public stages, and one inside a function.
#![deny(warnings)]
#![allow(dead_code)]

use workflow_engine::prelude::*;

#[stage]
async fn private(number: u32) -> StageResult<u32> {
    Ok(number)
}

mod stages {
    use workflow_engine::prelude::*;

    #[stage]
    pub(crate) async fn restricted(number: u32, #[config(default = 1)] by: u32) -> StageResult<u32> {
        Ok(number + by)
    }

    #[stage]
    pub(super) async fn above(number: u32) -> StageResult<u32> {
        Ok(number)
    }

    pub mod inner {
        use workflow_engine::prelude::*;

        #[stage]
        pub(in super::super) async fn within(number: u32) -> StageResult<u32> {
            Ok(number)
        }
    }
}

pub fn main() {
    #[stage]
    async fn inside(number: u32, #[require(private)] first: u32) -> StageResult<u32> {
        Ok(number + first)
    }

    let _ = stages::RestrictedInput { number: 1 };
    let _ = stages::AboveInput { number: 1 };
    let _ = InsideInput { number: 1 };
    let paths = [private::PATH, stages::restricted::PATH, stages::above::PATH, inside::PATH];
    for (index, path) in paths.iter().enumerate() {
        assert!(paths.iter().skip(index + 1).all(|other| !other.is(path)));
    }
}
