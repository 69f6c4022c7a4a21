//! Stages of other modules, renamed, re-exported, and two of the same name with their own ids.
#![deny(warnings)]

use workflow_engine::prelude::*;

mod a {
    use workflow_engine::prelude::*;

    #[stage(id = "a-load")]
    pub async fn load(path: String) -> StageResult<String> {
        Ok(path)
    }
}

mod b {
    use workflow_engine::prelude::*;

    #[stage]
    pub async fn load(path: String, #[config(default = 3)] depth: u32) -> StageResult<String> {
        let _ = depth;
        Ok(path)
    }

    pub mod stages {
        pub use super::load as load_again;
    }
}

use b::stages::load_again as second;

#[stage(require(a::load), optional(second))]
pub async fn report(path: String, ctx: &StageContext<report>) -> StageResult<String> {
    Ok(format!("{path}{}{:?}", ctx.require::<a::load>(), ctx.optional::<b::load>()))
}

workflow! {
    pub both = a::load >> b::load >> report;
    pub renamed = self::a::load >> second >> self::report
}

pub fn main() {
    let config = BothConfig::default();
    assert_eq!(config.b_load.depth, 3);
    let _ = config.a_load;
    assert_eq!(format!("{:?}", config.report), "NoConfig");
    let config = RenamedConfig::default();
    assert_eq!((config.second.depth, config.load), (3, Default::default()));
    assert_eq!(renamed::definition().stages[2].reads, [0, 1]);
    let _ = |outputs: BothOutputs| (outputs.a_load, outputs.b_load, outputs.report);
}
