//! A step returns a value that cannot be stored.

use apalis_core::error::BoxDynError;
use apalis_file_storage::JsonStorage;
use apalis_workflow::GraphFlow;
use serde_json::Value;

async fn load(path: String) -> Result<String, BoxDynError> {
    Ok(path)
}

struct Handle(u32);

async fn open(path: String) -> Result<Handle, BoxDynError> {
    Ok(Handle(path.len() as u32))
}

fn main() {
    let reading: GraphFlow<JsonStorage<Value>> = GraphFlow::new("reading");
    let load = reading.add_task(load);
    reading.add_task(open).depends_on(&load); //~ open
    reading.validate().unwrap();
}
