//! A step depends on a step that runs later.

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

fn main() {
    let reading: GraphFlow<JsonStorage<Value>> = GraphFlow::new("reading");
    let load = reading.add_task(load).depends_on(&count); //~ count
    let count = reading.add_task(count).depends_on(&load);
    let _ = count;
    reading.validate().unwrap();
}
