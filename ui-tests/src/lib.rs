//! A stage for the cases that use one of another crate.

use workflow_engine::prelude::*;

/// Reads a text.
///
/// # Errors
/// Never.
#[stage(id = "shared-load")]
pub async fn load(path: String, #[config(default = 2)] times: usize) -> StageResult<String> {
    Ok(path.repeat(times))
}
