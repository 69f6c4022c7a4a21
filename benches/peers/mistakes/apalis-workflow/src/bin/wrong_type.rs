//! A step takes a different type than its predecessor returns.

use apalis_core::error::BoxDynError;
use apalis_file_storage::JsonStorage;
use apalis_workflow::GraphFlow;
use serde_json::Value;

async fn load(path: String) -> Result<String, BoxDynError> {
    Ok(path)
}

async fn square(number: u32) -> Result<u32, BoxDynError> {
    Ok(number * number)
}

fn main() {
    let reading: GraphFlow<JsonStorage<Value>> = GraphFlow::new("reading");
    let load = reading.add_task(load);
    reading.add_task(square).depends_on(&load); //~ load
    reading.validate().unwrap();
}
