#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[derive(Debug)]
pub struct Broken;

fn read(path: &str) -> Result<u32, Broken> {
    Err(Broken)
}

fn list(path: &str) -> Result<u32, Box<dyn std::error::Error>> {
    Ok(1)
}

#[stage]
pub async fn load(path: String) -> StageResult<u32> {
    Ok(read(&path)? + list(&path)?)
}

fn main() {}
// fix: `std::error::Error` for the error, `Box<dyn Error + Send + Sync>`, or `.map_err(StageError::permanent)?`
