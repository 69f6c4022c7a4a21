//! Stages and a workflow that come from `macro_rules!`.
#![deny(warnings)]

use workflow_engine::prelude::*;

macro_rules! pipeline {
    ($workflow:ident: $first:ident($ty:ty), $second:ident) => {
        #[stage]
        pub async fn $first(value: $ty, #[config(default = 2)] times: u32) -> StageResult<$ty> {
            let _ = times;
            Ok(value)
        }

        #[stage]
        pub async fn $second(value: $ty, ctx: &StageContext<$second>, #[require($first)] again: &$ty) -> StageResult<$ty> {
            assert_eq!(ctx.require::<$first>(), again);
            Ok(value)
        }

        workflow! { pub $workflow = $first >> $second }
    };
}

pipeline!(numbers: load_number(u64), count_number);
pipeline!(texts: load_text(String), count_text);

pub fn main() {
    assert_eq!(numbers::definition().stages[1].reads, [0]);
    assert_eq!(texts::definition().id, "texts");
    assert_eq!(LoadTextConfig::default().times, 2);
}
