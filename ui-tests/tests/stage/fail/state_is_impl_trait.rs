#![allow(unused_variables)]

use workflow_engine::prelude::*;

pub trait Mailer: Send + Sync {}

#[stage]
pub async fn load(path: String, #[state] mailer: &impl Mailer) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `&Arc<dyn Mailer>`
