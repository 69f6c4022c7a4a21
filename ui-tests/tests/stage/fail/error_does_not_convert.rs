#![allow(unused_variables)]

use workflow_engine::prelude::*;

pub struct Broken;

#[stage]
pub async fn load(path: String) -> Result<u32, Broken> {
    Ok(1)
}

fn main() {}
// fix: implement `std::error::Error` for the error, or convert it with `.map_err(StageError::retryable)?`
