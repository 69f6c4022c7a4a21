//! A step depends on a step that is not in the workflow.

use std::sync::Arc;

use sayiir_core::task::BranchOutputs;
use sayiir_runtime::prelude::*;

fn main() {
    let context = WorkflowContext::new("reading", Arc::new(JsonCodec), Arc::new(()));
    let reading = WorkflowBuilder::new(context)
        .then("load", |path: String| async move { Ok(path) })
        .branches(|branch| {
            branch.add("count", |text: String| async move { Ok(text.len() as u32) });
            branch.add("rank", |text: String| async move { Ok(vec![text]) });
        })
        .join("report", |branches: BranchOutputs<JsonCodec>| async move {
            let count: u32 = branches.get_by_id("count")?;
            let ranked: Vec<String> = branches.get_by_id("rank")?;
            let sum: u32 = branches.get_by_id("sum")?; //~ "sum"
            Ok(format!("{count} {ranked:?} {sum}"))
        })
        .build();
    println!("{}", reading.unwrap().workflow_id());
}
