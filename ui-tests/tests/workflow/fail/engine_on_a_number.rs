#![allow(unused_variables)]

use workflow_engine::prelude::*;

pub async fn run() -> Result<(), workflow_engine::Error> {
    let engine = Engine::builder(5432).build().await?;
    Ok(())
}

fn main() {}
// fix: a URL, `Engine::builder("postgres://localhost:5432/runs")`
