//! Two steps have the same id.

use apalis_core::error::BoxDynError;
use apalis_file_storage::JsonStorage;
use apalis_workflow::GraphFlow;
use serde_json::Value;
use apalis_core::task::task_fn::task_fn;

async fn load(path: String) -> Result<String, BoxDynError> {
    Ok(path)
}

async fn rank(text: String) -> Result<u64, BoxDynError> {
    Ok(text.len() as u64)
}

fn main() {
    let reading: GraphFlow<JsonStorage<Value>> = GraphFlow::new("reading");
    let load = reading.add_node("step", task_fn(load));
    let _rank = reading.add_node("step", task_fn(rank)).depends_on(&load); //~ "step"
    reading.validate().unwrap();
}
