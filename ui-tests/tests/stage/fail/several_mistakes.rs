#![allow(unused_variables)]

use workflow_engine::prelude::*;

#[stage(timeout = "soon", retry(attempts = 3), titel = "x")]
pub fn load<T>((path, length): (String, u32), bytes: &[u8]) -> StageResult<impl Send> {
    Ok(1)
}

fn main() {}
// fix: correct each mistake: one compilation reports them all
