//! A step depends on a step that is not in the workflow.

use apalis_core::error::BoxDynError;
use apalis_file_storage::JsonStorage;
use apalis_workflow::GraphFlow;
use serde_json::Value;

async fn load(path: String) -> Result<String, BoxDynError> {
    Ok(path)
}

async fn count(text: String) -> Result<u32, BoxDynError> {
    Ok(text.len() as u32)
}

async fn rank(text: String) -> Result<u64, BoxDynError> {
    Ok(text.len() as u64)
}

async fn report((count, rank): (u32, u64)) -> Result<String, BoxDynError> {
    Ok(format!("{count} {rank}"))
}

fn main() {
    let reading: GraphFlow<JsonStorage<Value>> = GraphFlow::new("reading");
    let load = reading.add_task(load);
    let count = reading.add_task(count).depends_on(&load);
    let rank = reading.add_task(rank).depends_on(&load);
    let _report = reading.add_task(report); //~ report
    reading.validate().unwrap();
}
