//! A step takes a different type than its predecessor returns.

use std::sync::Arc;

use sayiir_runtime::prelude::*;

fn main() {
    let context = WorkflowContext::new("reading", Arc::new(JsonCodec), Arc::new(()));
    let reading = WorkflowBuilder::new(context)
        .then("load", |path: String| async move { Ok(path) })
        .then("square", |number: u32| async move { Ok(number * number) }) //~ |number: u32|
        .build();
    println!("{}", reading.unwrap().workflow_id());
}
