//! A workflow has no steps.

use cloacina::workflow;

#[workflow(name = "reading")]
pub mod reading {} //~ reading

fn main() {}
