#![allow(unused_variables)]

use workflow_engine::prelude::*;

mod stages {
    use workflow_engine::prelude::*;

    #[stage(retry(backoff = "fixed"))]
    pub async fn load(path: String) -> StageResult<u32> {
        Ok(1)
    }
}

mod first {
    use super::stages::load;
    use workflow_engine::prelude::*;

    workflow! { pub one = load }
}

mod second {
    use super::stages::load;
    use workflow_engine::prelude::*;

    #[stage(require(load))]
    pub async fn count(ctx: &StageContext<count>) -> StageResult<u32> {
        Ok(*ctx.require::<load>())
    }

    workflow! { pub two = load >> count }
}

fn main() {}
// fix: `backoff = exponential`; the workflow that uses the stage reports no error
