//! A workflow of stages that live in a function.
#![deny(warnings)]

use workflow_engine::prelude::*;

pub fn main() {
    #[stage]
    async fn load(path: String) -> StageResult<String> {
        Ok(path)
    }

    #[stage]
    async fn count(path: String, #[require(load)] again: String) -> StageResult<usize> {
        Ok(path.len() + again.len())
    }

    workflow! { measure = load >> count }

    // Neither name is taken among values.
    let measure = measure::definition();
    let load = &measure.stages[0];
    assert_eq!((load.id.as_str(), MeasureConfig::default().load), ("load", workflow_engine::value::NoConfig {}));
}
