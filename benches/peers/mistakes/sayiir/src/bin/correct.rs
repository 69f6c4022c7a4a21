//! The workflow without a mistake.

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
            Ok(format!("{count} {ranked:?}"))
        })
        .build();
    println!("{}", reading.unwrap().workflow_id());
}
