//! A deprecated stage warns who uses it, not who declares it.
#![deny(warnings)]

use workflow_engine::prelude::*;

#[stage]
#[deprecated(note = "use `fetch`")]
pub async fn load(path: String, #[config(default = 1)] depth: usize) -> StageResult<usize> {
    Ok(path.len() + depth)
}

#[allow(deprecated)]
mod old {
    use super::load;
    use workflow_engine::prelude::*;

    workflow! {
        #[deprecated]
        pub walk = load
    }
}

pub fn main() {
    let _ = LoadInput { path: String::new() };
    assert!(old::WalkConfig::default().load.depth == 1);
}
