#![allow(unused_variables)]

use workflow_engine::prelude::*;

pub trait Mail: Send + Sync {}

pub type Mailer = dyn Mail;

#[stage]
pub async fn load(path: String, #[state] mailer: &Mailer) -> StageResult<u32> {
    Ok(1)
}

fn main() {}
// fix: `&Arc<dyn Mail>`
